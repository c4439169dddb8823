/** What the tools of others print, as they printed it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { timedIn as fioTimed } from "../../bench/peers/fio.ts";
import { timedIn as redisTimed } from "../../bench/peers/redis-cases.ts";
import { respCommand, VALUE_FROM_END } from "../../bench/peers/resp.ts";
import { timingIn as ucxTiming } from "../../bench/peers/ucx.ts";

test("redis-benchmark 7.0: a rate, and milliseconds", () => {
  const csv =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n' +
    '"GET a","39215.69","0.022","0.016","0.023","0.031","0.039","0.175"\n';
  const { meanNs, p50Ns, p90Ns, p99Ns, operations, operationsPerSecond } = redisTimed(csv, 500);
  assert.deepEqual([meanNs, p50Ns, p90Ns, p99Ns], [22_000, 23_000, undefined, 39_000]);
  assert.deepEqual([operations, operationsPerSecond], [500, 39215.69]);
  assert.throws(() => redisTimed("Could not connect", 1), /printed something else/);
});

test("ucx_perftest 1.13: microseconds, half of a round trip in its latency tests", () => {
  const csv =
    "iterations,50.0_percentile_lat,avg_lat,overall_lat,avg_bw,overall_bw,avg_mr,overall_mr\n" +
    "3000,13.160,15.495,15.5,0.49,0.49,64536,64536\n";
  const { meanNs, p50Ns } = ucxTiming(csv, 2);
  assert.deepEqual([meanNs, p50Ns], [31_000, 26_320]);
  assert.throws(() => ucxTiming("", 2), /printed something else/);
});

test("fio 3.33: a rate, and nanoseconds, behind lines of its engine", () => {
  const json =
    'fio: connected to NBD server\n{ "jobs": [ { "read": { "iops": 22786.5, "total_ios": 9100, "lat_ns": { "mean": 2803135.5, ' +
    '"percentile": { "50.000000": 1466368, "90.000000": 5537792, "99.000000": 10420224 } } } } ] }';
  assert.deepEqual(fioTimed(json, "read"), {
    meanNs: 2_803_135.5,
    p50Ns: 1_466_368,
    p90Ns: 5_537_792,
    p99Ns: 10_420_224,
    operations: 9100,
    operationsPerSecond: 22786.5,
  });
});

test("a command of Redis's protocol, and where its value lies", () => {
  const command = respCommand("SET", "put:7", Buffer.from("8 bytes."));
  assert.equal(command.toString(), "*3\r\n$3\r\nSET\r\n$5\r\nput:7\r\n$8\r\n8 bytes.\r\n");
  const from = command.byteLength - VALUE_FROM_END;
  assert.equal(command.subarray(from, from + 8).toString(), "8 bytes.");
});
