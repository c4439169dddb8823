import assert from "node:assert/strict";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { ScriptedTarget } from "./scripted-target.ts";

/** Counts how often the origin looks whether an answer has come. */
class CountingTarget extends ScriptedTarget {
  looks = 0;

  override recv(...args: Parameters<ScriptedTarget["recv"]>): number {
    this.looks += 1;
    return super.recv(...args);
  }
}

for (const many of [1, 8]) {
  test(`${many} cancelled waits leave no poller behind, also where the answers never come`, async () => {
    const target = new CountingTarget(1000);
    const controller = new AbortController();
    const limits = { timeoutMs: 60_000, signal: controller.signal };
    const waits = Array.from({ length: many }, () => target.access.get(0, new Uint8Array(64), limits));
    const ended = Promise.all(
      waits.map((wait) => assert.rejects(wait, (e) => isDidafsError(e, "ERR_ABORTED"))),
    );
    await target.turn(2);
    controller.abort();
    await ended;
    assert.equal(target.connection.outstanding, many, "what was sent is still to be answered");
    // It may look for some tenths of a millisecond longer.
    await target.turn(50);
    const before = target.looks;
    await target.turn(2000);
    assert.equal(target.looks - before, 0, "looks at a socket that nobody waits for");
    assert.deepEqual(target.armed.at(-1), target.connection, "it is woken by what comes");
    // Not even by the deadline of the call that was given up.
    await target.turn(10, 10_000);
    assert.ok(target.looks - before <= 2, `${target.looks - before} looks`);
  });
}

test("what comes after a cancelled wait is taken, and then nothing is left to do", async () => {
  const target = new CountingTarget(1000);
  const controller = new AbortController();
  const wait = target.access.get(0, new Uint8Array(64), { timeoutMs: 60_000, signal: controller.signal });
  const ended = assert.rejects(wait, (e) => isDidafsError(e, "ERR_ABORTED"));
  await target.turn(50);
  controller.abort();
  await ended;
  target.answer(target.command(0), 0, new Uint8Array(64));
  // As its agent would, which was asked to watch the socket.
  target.wake();
  await target.turn(50);
  assert.equal(target.connection.outstanding, 0);
  const before = target.looks;
  await target.turn(500);
  assert.equal(target.looks, before);
});
