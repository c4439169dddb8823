import assert from "node:assert/strict";
import { test } from "node:test";
import { fillPattern, patternSum } from "../../bench/blocks/pattern.ts";
import { median, medianTiming, percentile, timingOf } from "../../bench/harness/statistics.ts";

test("a percentile is a sample that was taken, by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(
    [50, 90, 99, 100].map((percent) => percentile(hundred, percent)),
    [50, 90, 99, 100],
  );
  assert.equal(percentile([7], 99), 7);
  assert.equal(percentile([1, 2], 50), 1);
});

test("the timing of samples does not depend on their order", () => {
  const timing = { meanNs: 2.5, p50Ns: 2, p90Ns: 4, p99Ns: 4 };
  assert.deepEqual(timingOf(Float64Array.of(1, 2, 3, 4)), timing);
  assert.deepEqual(timingOf(Float64Array.of(4, 2, 1, 3)), timing);
});

test("over rounds the median counts, figure by figure; one that a round lacks is lacking", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2, 3, 10]), 2.5);
  const round = { meanNs: 1, p50Ns: 5, p90Ns: 6, p99Ns: 7 };
  const rounds = [round, { ...round, meanNs: 9 }, { ...round, meanNs: 2, p90Ns: undefined }];
  assert.deepEqual(medianTiming(rounds), { meanNs: 2, p50Ns: 5, p90Ns: undefined, p99Ns: 7 });
});

test("the sum of a pattern is that of a plain walk through it, also after many circles", () => {
  const halves = new Int32Array(64);
  fillPattern(halves, 3);
  for (const blockBytes of [8, 32]) {
    const step = blockBytes / 4;
    for (const operations of [0, 1, 7, 8, 9, 1000]) {
      let sum = 0;
      for (let i = 0; i < operations; i++) sum = (sum + (halves[(i * step) % 64] as number)) | 0;
      assert.equal(patternSum(halves, blockBytes, operations), sum);
    }
  }
});

test("patterns of different seeds differ in every word, and every word fits a number", () => {
  const [one, other] = [new Int32Array(2048), new Int32Array(2048)];
  fillPattern(one, 0);
  fillPattern(other, 1);
  for (let i = 0; i < 2048; i += 2) {
    assert.notEqual(one[i], other[i]);
    assert.ok((one[i + 1] as number) >= 0 && (one[i + 1] as number) < 2 ** 20);
  }
});
