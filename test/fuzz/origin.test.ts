import assert from "node:assert/strict";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import type { RemoteAccess } from "../../src/transport/remote-access.ts";
import { retainedBytes } from "../support/retained-bytes.ts";
import { ScriptedTarget } from "../transport/scripted-target.ts";
import { announce, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { Dice } from "./dice.ts";
import { hostileAnswer } from "./wire/hostile-answers.ts";

const CANARY = 0x5a;
const MARGIN = 64;
const LIMITS = { timeoutMs: 50, signal: undefined };
const ROUNDS_MIN = 300;
/** What may be held on to beyond what was before: compiled code, and the counts. */
const RETAINED_BYTES = 16 << 20;

interface Call {
  readonly promise: Promise<unknown>;
  /** What a get fills, between two margins that nothing may touch. */
  readonly around: Uint8Array;
}

/** Something that an origin asks for, all of it allowed. */
function ask(access: RemoteAccess, dice: Dice): Call {
  const length = dice.pick([0, 1, 8, 9, 100, 5000, dice.percent(2) ? (1 << 20) + 1 : 64]);
  const around = new Uint8Array(MARGIN + length + MARGIN).fill(CANARY);
  const bytes = around.subarray(MARGIN, MARGIN + length);
  const promise = dice.pick([
    () => access.get(0, bytes, LIMITS),
    () => access.get(0, bytes, LIMITS),
    () => access.put(0, bytes, LIMITS),
    () => access.load(0, 8, LIMITS),
    () => access.fetchOp(0, 4, 8, 1.5, LIMITS),
    () => access.compareAndSwap(2, 8, 1, 2, LIMITS),
    () => access.flush(true, LIMITS),
    () => access.accumulate(0, 0, 0, new Uint8Array(64), LIMITS),
    () => access.lock(0, 8, { exclusive: true, waits: dice.percent(50) }, LIMITS),
    () => access.unlock(dice.between(1, 5), LIMITS),
  ])();
  promise.catch(() => {});
  return { promise, around };
}

/** An origin with calls under way, and a target that answers as it likes. @returns how the calls ended */
async function siege(seed: number): Promise<string[]> {
  const dice = new Dice(seed);
  const target = new ScriptedTarget(50);
  target.trickles = dice.percent(10);
  if (dice.percent(10)) target.room = dice.between(0, 500);
  const calls = Array.from({ length: dice.between(1, 12) }, () => ask(target.access, dice));
  await target.turn(3);
  for (let round = 0, rounds = dice.between(1, 16); round < rounds; round += 1) {
    target.say(hostileAnswer(target.received, round, dice));
    await target.turn(dice.between(0, 3));
  }
  const outcomes = Promise.allSettled(calls.map(({ promise }) => promise));
  // Time passes: whatever was not answered has run out.
  await target.turn(60, 2);
  const ended = await outcomes;
  for (const { around } of calls) {
    const margins = [around.subarray(0, MARGIN), around.subarray(around.length - MARGIN)];
    assert.ok(
      margins.every((margin) => margin.every((byte) => byte === CANARY)),
      `input ${seed}: an answer was written beside the caller's bytes`,
    );
  }
  target.connection.close();
  return ended.map((outcome) => {
    if (outcome.status === "fulfilled") return "answered";
    const { reason } = outcome;
    if (isDidafsError(reason)) return reason.code;
    throw new Error(`input ${seed}: ${reason}`, { cause: reason });
  });
}

test(
  "whatever a target answers, each call of an origin ends, and writes nothing beside the caller's bytes",
  timeoutOf("origin"),
  async (context) => {
    announce(context, "origin");
    const dice = new Dice(SEED);
    const counts = new Map<string, number>();
    const endMs = performance.now() + secondsOf("origin") * 1000;
    const before = retainedBytes();
    let rounds = 0;
    for (; rounds < ROUNDS_MIN || performance.now() < endMs; rounds += 1) {
      for (const outcome of await siege(dice.next())) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      // The runner's own work has its turn.
      if (rounds % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    context.diagnostic(
      `${rounds} targets; ${[...counts].map(([name, count]) => `${name} ${count}`).join(", ")}`,
    );
    for (const name of ["answered", "ERR_SESSION_LOST", "ERR_TIMEOUT"]) {
      assert.ok((counts.get(name) ?? 0) > 0, `${name} is reached`);
    }
    const kept = retainedBytes() - before;
    assert.ok(kept < RETAINED_BYTES, `${Math.round(kept / 2 ** 20)} MiB more are held on to`);
  },
);
