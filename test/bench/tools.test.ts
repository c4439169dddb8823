/** What the tools of others print, as they printed it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { timingIn as redisTiming } from "../../bench/peers/redis-cases.ts";
import { respCommand, VALUE_FROM_END } from "../../bench/peers/resp.ts";
import { timingIn as ucxTiming } from "../../bench/peers/ucx.ts";

test("redis-benchmark 7.0: milliseconds", () => {
  const csv =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n' +
    '"GET a","39215.69","0.022","0.016","0.023","0.031","0.039","0.175"\n';
  const { meanNs, p50Ns, p90Ns, p99Ns } = redisTiming(csv);
  assert.deepEqual([meanNs, p50Ns, p90Ns, p99Ns], [22_000, 23_000, undefined, 39_000]);
  assert.throws(() => redisTiming("Could not connect"), /printed something else/);
});

test("ucx_perftest 1.13: microseconds, half of a round trip in its latency tests", () => {
  const csv =
    "iterations,50.0_percentile_lat,avg_lat,overall_lat,avg_bw,overall_bw,avg_mr,overall_mr\n" +
    "3000,13.160,15.495,15.5,0.49,0.49,64536,64536\n";
  const { meanNs, p50Ns } = ucxTiming(csv, 2);
  assert.deepEqual([meanNs, p50Ns], [31_000, 26_320]);
  assert.throws(() => ucxTiming("", 2), /printed something else/);
});

test("a command of Redis's protocol, and where its value lies", () => {
  const command = respCommand("SET", "put:7", Buffer.from("8 bytes."));
  assert.equal(command.toString(), "*3\r\n$3\r\nSET\r\n$5\r\nput:7\r\n$8\r\n8 bytes.\r\n");
  const from = command.byteLength - VALUE_FROM_END;
  assert.equal(command.subarray(from, from + 8).toString(), "8 bytes.");
});
