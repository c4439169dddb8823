import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDidafsError, statusOf } from "../../src/std/errors.ts";
import { HEADER_BYTES } from "../../src/wire/header.ts";
import { ScriptedTarget } from "./scripted-target.ts";

const LIMITS = { timeoutMs: 1000, signal: undefined };
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

  it("refuses a part of a long put: what was applied is not known", async () => {
    const target = new ScriptedTarget(100);
    const put = target.access.put(0, new Uint8Array(2 << 20), LIMITS);
    const refused = assert.rejects(put, (e) => isDidafsError(e, "ERR_RIGHTS") && e.applied === "unknown");
    target.answer(target.command(0), 0);
    target.answer(target.command(HEADER_BYTES + (1 << 20)), statusOf("ERR_RIGHTS"));
    await target.turn(5);
    await refused;
  });

  it("fails a put after its bytes came", async () => {
    const target = new ScriptedTarget(100);
    const put = target.access.put(0, new Uint8Array(20), LIMITS);
    target.answer(target.command(0), statusOf("ERR_IO"));
    const failed = assert.rejects(put, (e) => isDidafsError(e, "ERR_IO") && e.applied === "unknown");
    await target.turn(5);
    await failed;
  });
});

it("a flush goes behind writes that were given up, for they may still be applied", async () => {
  const target = new ScriptedTarget(10);
  const put = target.access.put(0, new Uint8Array(100), { timeoutMs: 1, signal: undefined });
  const late = assert.rejects(put, isTimeout);
  await target.turn(20);
  await late;
  assert.throws(() => target.access.storeSync(0, 0, 1n), isTimeout);
  assert.equal(target.access.binding.pendingWrites, 2);
  assert.throws(() => target.access.flushSync(false), isTimeout);
  target.answer(target.command(0), 0);
  target.answer(target.command(HEADER_BYTES + 100), 0);
  target.answer(target.command(2 * HEADER_BYTES + 100), 0);
  target.connection.poll();
  assert.equal(target.access.binding.pendingWrites, 0);
  target.access.flushSync(false);
});

describe("a buffer that is detached while its call is under way", () => {
  it("ends a put that was sent in part, and nothing else", async () => {
    const target = new ScriptedTarget(100);
    target.room = 80;
    const source = new Uint8Array(1000);
    const put = target.access.put(0, source, LIMITS);
    const lost = assert.rejects(put, (e) => isDidafsError(e, "ERR_SESSION_LOST") && e.applied === "unknown");
    await target.turn(2);
    source.buffer.transfer();
    target.room = 1e6;
    await target.turn(2);
    await lost;
  });

  it("lets its signal end the call", async () => {
    const target = new ScriptedTarget(100);
    target.room = 80;
    const source = new Uint8Array(1000);
    const controller = new AbortController();
    const put = target.access.put(0, source, { timeoutMs: 1000, signal: controller.signal });
    const aborted = assert.rejects(put, (e) => isDidafsError(e, "ERR_ABORTED"));
    source.buffer.transfer();
    controller.abort();
    await aborted;
    await target.turn(2);
  });

  it("takes nothing of a get, and the connection goes on", async () => {
    const target = new ScriptedTarget(100);
    const into = new Uint8Array(1000);
    const gone = target.access.get(0, into, LIMITS);
    const next = target.access.get(0, new Uint8Array(1000), LIMITS);
    await target.turn(2);
    into.buffer.transfer();
    target.answer(target.command(0), 0, new Uint8Array(1000));
    target.answer(target.command(HEADER_BYTES), 0, new Uint8Array(1000));
    await target.turn(2);
    await Promise.all([gone, next]);
  });

  for (const code of ["ERR_REVOKED", "ERR_BAD_HANDLE", "ERR_RANGE"] as const) {
    it(`says ${code} to a put whose bytes may be on their way: of those that travel in the command nothing is there`, async () => {
      for (const [length, applied] of [
        [9, "unknown"],
        [8, "no"],
      ] as const) {
        const target = new ScriptedTarget(100);
        const put = target.access.put(0, new Uint8Array(length), LIMITS);
        target.answer(target.command(0), statusOf(code));
        const failed = assert.rejects(put, (e) => isDidafsError(e, code) && e.applied === applied);
        await target.turn(5);
        await failed;
      }
    });
  }
});
