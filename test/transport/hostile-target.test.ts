import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { ScriptedTarget } from "./scripted-target.ts";

const isTimeout = (error: unknown): boolean => isDidafsError(error, "ERR_TIMEOUT");

describe("a target that misbehaves", () => {
  it("cannot keep a Sync form waiting by giving a little all the time", () => {
    const target = new ScriptedTarget(100);
    const big = new Uint8Array(1 << 20);
    void target.access.get(0, big, { timeoutMs: 1e6, signal: undefined });
    target.answer(target.command(0), 0, new Uint8Array(big.byteLength));
    target.trickles = true;
    target.recvMs = 1;
    assert.throws(() => target.access.loadSync(0, 0), isTimeout);
    assert.ok(target.clock.nowMs() < 10_000, `after ${target.clock.nowMs()} ms`);
  });

  it("that does not answer costs nothing once nobody waits for it", async () => {
    const target = new ScriptedTarget(100);
    const delays: number[] = [];
    const after = target.turns.after.bind(target.turns);
    target.turns.after = (delayMs, step) => {
      delays.push(delayMs);
      return after(delayMs, step);
    };
    const put = target.access.put(0, new Uint8Array(100), { timeoutMs: 5, signal: undefined });
    const failed = assert.rejects(put, isTimeout);
    await target.turn(200);
    await failed;
    assert.deepEqual(
      delays.filter((delayMs) => delayMs > 2 ** 31 - 1),
      [],
      "no timer holds that",
    );
    assert.equal(target.turns.turn(), 0);
  });
});
