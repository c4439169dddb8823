import assert from "node:assert/strict";
import { test } from "node:test";
import type * as v from "valibot";
import { type Stream, WOULD_BLOCK } from "../../src/ports/network.ts";
import { commandFrame } from "../../src/rpc/frame.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { CALLS, type Method } from "../../src/wire/control.ts";
import { type Origin, TargetFixture } from "../target/target-fixture.ts";
import { announce, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { mutated } from "./decoders/decoder.ts";
import { mutatedValue, sampleOf } from "./decoders/schema-samples.ts";
import { Dice } from "./dice.ts";

const METHODS = Object.keys(CALLS) as Method[];
const ROUNDS_MIN = 200;

/** Calls that a target serves, with parameters that are right by their shape, or nearly. @returns how they ended */
async function callAnything(fixture: TargetFixture, origin: Origin, dice: Dice): Promise<string[]> {
  const calls = Array.from({ length: dice.between(1, 8) }, () => {
    const method = dice.percent(60)
      ? dice.pick(["window.bind", "window.unbind", "window.board", "session.renew"] as const)
      : dice.pick(METHODS);
    const sample = sampleOf(CALLS[method][0] as v.GenericSchema, dice) as Record<string, unknown>;
    const window = { at: 0, byteLength: 64, rights: "rw", sharing: "managed", direct: false } as const;
    if (method === "window.bind" && dice.percent(70)) {
      const { capability } = origin.bindParams({ ...window, inode: dice.between(1, 3), index: 0 });
      sample.capability = capability;
    }
    const params = dice.percent(60) ? sample : mutatedValue(sample, dice);
    return origin.channel.call(method, params as never, { timeoutMs: 1e6 });
  });
  const outcomes = Promise.allSettled(calls);
  await fixture.settle(outcomes);
  return (await outcomes).map((outcome) => {
    if (outcome.status === "fulfilled") return "answered";
    const { reason } = outcome;
    assert.ok(isDidafsError(reason), String(reason));
    assert.notEqual(reason.code, "ERR_INTERNAL", reason.message);
    return reason.code;
  });
}

/** A stranger's frames on a control channel. */
async function sayAnything(fixture: TargetFixture, dice: Dice): Promise<void> {
  const kind = dice.pick(["tcp", "unix"] as const);
  const stream: Stream = fixture.network.connect(
    kind === "tcp" ? { kind, host: "target", port: 1 } : { kind, name: "control" },
  );
  for (let frames = dice.between(1, 6); frames > 0; frames -= 1) {
    const method = dice.percent(70) ? dice.pick(["hello", "prove"] as const) : dice.pick(METHODS);
    const params = sampleOf(CALLS[method][0] as v.GenericSchema, dice);
    const frame = commandFrame(dice.next(), {
      method,
      params: dice.percent(70) ? params : mutatedValue(params, dice),
    });
    const bytes = dice.percent(60) ? (frame as Uint8Array) : mutated(frame as Uint8Array, dice);
    if (bytes.length === 0 || stream.send(fixture.memory.borrow(bytes), 0, bytes.length) === WOULD_BLOCK)
      break;
    await fixture.step();
  }
  stream.close();
}

test(
  "whatever comes on the control channels of a target, it answers or ends them, and serves on",
  timeoutOf("control"),
  async (context) => {
    announce(context, "control");
    const dice = new Dice(SEED);
    const fixture = new TargetFixture();
    await fixture.registered();
    for (const inode of [1, 2]) await fixture.createRegion(inode, 0, 4096);
    const bystander = await fixture.origin("unix");
    await bystander.openSession(600_000);
    const counts = new Map<string, number>();
    const endMs = performance.now() + secondsOf("control") * 1000;
    for (let round = 0; round < ROUNDS_MIN || performance.now() < endMs; round += 1) {
      await sayAnything(fixture, dice);
      const origin = await fixture.origin(dice.pick(["tcp", "unix"] as const));
      if (dice.percent(80)) await origin.openSession();
      for (const outcome of await callAnything(fixture, origin, dice)) {
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      }
      origin.channel.close();
      await fixture.steps(2);
    }
    context.diagnostic([...counts].map(([name, count]) => `${name} ${count}`).join(", "));
    for (const name of [
      "answered",
      "ERR_INVALID_ARGUMENT",
      "ERR_NOT_SUPPORTED",
      "ERR_CAPABILITY",
      "ERR_RANGE",
    ]) {
      assert.ok((counts.get(name) ?? 0) > 0, `${name} is reached`);
    }
    await bystander.call("session.renew", {});
    const faults = fixture.log.lines.filter(({ level }) => level === "error");
    assert.deepEqual(faults, []);
  },
);
