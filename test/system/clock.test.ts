import assert from "node:assert/strict";
import { uptime } from "node:os";
import { test } from "node:test";
import { systemClock, systemIdler } from "../../src/system/clock.ts";
import { systemRandom } from "../../src/system/random.ts";
import { systemTurns } from "../../src/system/turns.ts";
import { connectedPair, unixName } from "./support.ts";

test("time goes forward, with fractions of a millisecond", () => {
  const startMs = systemClock.nowMs();
  let nowMs = startMs;
  let fractions = 0;
  while (nowMs < startMs + 5 || fractions < 100) {
    const nextMs = systemClock.nowMs();
    assert.ok(nextMs >= nowMs);
    assert.ok(nextMs < startMs + 60_000, "it has fractions, and milliseconds are what it counts");
    nowMs = nextMs;
    if (!Number.isInteger(nowMs)) fractions += 1;
  }
  assert.ok(systemClock.wallMs() > Date.UTC(2024, 0));
});

test("time goes on while the machine is suspended", () => {
  const before = uptime();
  const now = systemClock.nowMs() / 1000;
  const after = uptime();
  // The kernel tells hundredths.
  assert.ok(now > before - 0.02 && now < after + 0.02, `${now} is not between ${before} and ${after}`);
});

test("yielding returns, and waiting for a stream ends at its time or when it has ended", (t) => {
  const { client, server } = connectedPair(t, unixName());
  systemIdler.yield();
  const startMs = performance.now();
  systemIdler.waitReadable(server, 10);
  assert.ok(performance.now() - startMs >= 10);
  client.close();
  systemIdler.waitReadable(server, 10_000);
  systemIdler.waitReadable(client, 10_000);
  assert.ok(performance.now() - startMs < 5000);
});

test("chance gives as many bytes as asked for, and not the same again", () => {
  assert.equal(systemRandom.bytes(0).length, 0);
  const many = systemRandom.bytes(200_000);
  assert.ok(many.subarray(-1000).some((byte) => byte !== 0));
  assert.notDeepEqual(systemRandom.bytes(32), systemRandom.bytes(32));
});

test("turns: what is asked for comes later than now, and what is taken back never comes", async () => {
  const order: string[] = [];
  systemTurns.after(0, () => order.push("taken back"))();
  const soon = new Promise<void>((resolve) => systemTurns.soon(resolve)).then(() => order.push("soon"));
  const later = new Promise<void>((resolve) => systemTurns.after(20, resolve)).then(() =>
    order.push("later"),
  );
  order.push("now");
  await Promise.all([soon, later]);
  assert.equal(order.shift(), "now");
  assert.deepEqual(order.sort(), ["later", "soon"]);
});
