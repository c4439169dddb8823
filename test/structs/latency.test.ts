import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  countLatency,
  LATENCY_BUCKETS,
  LATENCY_WORDS,
  latencyBucket,
  latencyBucketMs,
  latencyCount,
  latencyPercentile,
  latencySince,
  latencySum,
  readLatency,
} from "../../src/structs/latency.ts";

const END_MS = 2 ** 31 / 16_000;
const AT = 8;

function histogram(durations: readonly number[]) {
  const words = new Float64Array(AT + LATENCY_WORDS);
  for (const ms of durations) countLatency(words, AT, ms, 1);
  return words;
}

test("buckets begin where the ones before end, and every duration lies in its own", () => {
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket += 1) {
    assert.equal(latencyBucket(latencyBucketMs(bucket)), bucket);
    assert.ok(latencyBucketMs(bucket) < latencyBucketMs(bucket + 1));
  }
  assert.equal(latencyBucketMs(LATENCY_BUCKETS), END_MS);
  fc.assert(
    fc.property(fc.double({ min: 0, max: END_MS, noNaN: true, maxExcluded: true }), (ms) => {
      const bucket = latencyBucket(ms);
      assert.ok(latencyBucketMs(bucket) <= ms && ms < latencyBucketMs(bucket + 1), `${ms} in ${bucket}`);
    }),
  );
});

test("what no clock can give is counted, at one end or the other", () => {
  const odd = [Number.NEGATIVE_INFINITY, -1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300, END_MS];
  assert.deepEqual(odd.map(latencyBucket), [0, 0, 0, 0, ...new Array(3).fill(LATENCY_BUCKETS - 1)]);
});

test("a percentile is off by 1/32 of itself, or 1/32 us, at most", () => {
  const durations = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), { minLength: 1 });
  const fraction = fc.constantFrom(0.001, 0.5, 0.9, 0.99, 0.999, 1);
  fc.assert(
    fc.property(durations, fraction, (all, part) => {
      const exact = all.toSorted((a, b) => a - b)[Math.ceil(part * all.length) - 1] as number;
      const told = latencyPercentile(readLatency(histogram(all), AT), part) as number;
      assert.ok(Math.abs(told - exact) <= Math.max(exact / 32, 1 / 32_000) + 1e-12, `${told} for ${exact}`);
    }),
  );
});

test("a histogram's words are its own, and hold the sum", () => {
  const words = histogram([]);
  countLatency(words, AT, 1e9, 3);
  countLatency(words, AT, 0, 2);
  assert.ok(words.subarray(0, AT).every((word) => word === 0));
  assert.equal(words[AT], 3e9);
  assert.equal(words[AT + 1], 2);
  assert.equal(words[AT + LATENCY_BUCKETS], 3);
  assert.equal(LATENCY_WORDS % 8, 0);
  assert.ok(AT + LATENCY_BUCKETS < AT + LATENCY_WORDS);
});

test("what came since an earlier look, and sums of several", () => {
  const before = readLatency(histogram([1, 5]), AT);
  const now = readLatency(histogram([1, 5, 5, 40]), AT);
  const since = latencySince(now, before);
  assert.equal(latencyCount(since), 2);
  assert.equal(since.sumMs, 45);
  assert.equal(latencySince(now, undefined), now);
  // A look that is no later gives nothing, and nothing below it.
  assert.equal(latencyCount(latencySince(before, now)), 0);
  assert.equal(latencyCount(latencySum([before, now])), 6);
  assert.equal(latencyPercentile(latencySince(now, now), 0.5), undefined);
});
