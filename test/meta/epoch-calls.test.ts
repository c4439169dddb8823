import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TARGETS_KEY } from "../../src/meta/keys.ts";
import type { Params, Result } from "../../src/wire/control.ts";
import { type Ending, FakeTarget, refused, World } from "./harness.ts";

const NAME = { incarnation: "a1".repeat(16), session: 3, secret: "5e".repeat(8), sequence: 70 };
const LIMITS = { timeoutMs: 60_000 };

async function pair(context: Ending) {
  const world = await World.open(context);
  const asker = await new FakeTarget(world, 1).register();
  const asked = await new FakeTarget(world, 2).register();
  const heard: { method: string; asked: unknown }[] = [];
  const answers = (outcome: Result<"epoch.outcome">["outcome"]): void => {
    asked.outcomeOf = async (method, question) => {
      heard.push({ method, asked: question });
      return { outcome };
    };
  };
  const enquire = (target = asked.id, worker = 1) =>
    asker.channel.call("meta.epochOutcome", { decider: { target, worker }, name: NAME }, LIMITS);
  const askFinish = (target = asked.id, worker = 1) =>
    asker.channel.call("meta.epochFinish", { participant: { target, worker }, name: NAME }, LIMITS);
  return { world, asker, asked, heard, answers, enquire, askFinish };
}

describe("questions of targets about epochs", () => {
  test("go to the target that they are for, and its answer comes back", async (context) => {
    const { world, asker, heard, answers, enquire, askFinish } = await pair(context);
    asker.outcomeOf = () => assert.fail("whoever asks is not asked");
    for (const outcome of ["committed", "aborted", "undecided"] as const) {
      answers(outcome);
      assert.deepEqual(await world.done(enquire()), { outcome });
      assert.deepEqual(await world.done(askFinish()), { outcome });
    }
    const question: Params<"epoch.outcome"> = { worker: 1, name: NAME };
    assert.deepEqual(
      heard,
      [1, 2, 3].flatMap(() => [
        { method: "epoch.outcome", asked: question },
        { method: "epoch.finish", asked: question },
      ]),
    );
  });

  test("are answered as unreachable while that target is down, and once it is back as it says", async (context) => {
    const { world, asked, answers, enquire, askFinish } = await pair(context);
    answers("committed");
    asked.leave();
    await world.settle();
    await refused(world.done(enquire()), "ERR_UNREACHABLE");
    await refused(world.done(askFinish()), "ERR_UNREACHABLE");
    await asked.register();
    assert.deepEqual(await world.done(enquire()), { outcome: "committed" });
  });

  test("about a target that never was are answered at once: nothing was committed there, and nothing is left to finish", async (context) => {
    const { world, asked, enquire, askFinish } = await pair(context);
    const stranger = "f".repeat(32);
    assert.deepEqual(await world.done(enquire(stranger)), { outcome: "aborted" });
    assert.deepEqual(await world.done(askFinish(stranger)), { outcome: "committed" });
    asked.leave();
    await world.settle();
    await refused(world.done(enquire()), "ERR_UNREACHABLE");
  });

  test("about a target that was there once are not: another life of the service knows it, too", async (context) => {
    const { world, asked } = await pair(context);
    asked.leave();
    await world.settle();
    await world.restart();
    const asker = await new FakeTarget(world, 1).register();
    const name = NAME;
    const outcomeOf = (target: string) =>
      asker.channel.call("meta.epochOutcome", { decider: { target, worker: 0 }, name }, LIMITS);
    const finished = (target: string) =>
      asker.channel.call("meta.epochFinish", { participant: { target, worker: 0 }, name }, LIMITS);
    await refused(world.done(outcomeOf(asked.id)), "ERR_UNREACHABLE");
    await refused(world.done(finished(asked.id)), "ERR_UNREACHABLE");
    assert.deepEqual(await world.done(outcomeOf("f".repeat(32))), { outcome: "aborted" });
  });

  test("about targets that registered before the service noted them are never answered for them", async (context) => {
    const { world, enquire } = await pair(context);
    // As metadata are that an older program made.
    await world.engine.transact((transaction) => transaction.delete(TARGETS_KEY));
    await refused(world.done(enquire("f".repeat(32))), "ERR_UNREACHABLE");
    await new FakeTarget(world, 4).register();
    await refused(world.done(enquire("f".repeat(32))), "ERR_UNREACHABLE");
  });

  test("fail with what that target says, and in time where it says nothing", async (context) => {
    const { world, asked, enquire, askFinish } = await pair(context);
    await refused(world.done(enquire()), "ERR_INVALID_ARGUMENT");
    asked.outcomeOf = () => new Promise(() => {});
    const silent = Promise.allSettled([enquire(), askFinish()]);
    await world.settle();
    await world.settle(4000);
    for (const { status } of await world.done(silent)) assert.equal(status, "rejected");
  });

  test("are bounded for each target that is asked, and others are asked meanwhile", async (context) => {
    const { world, asked, enquire } = await pair(context);
    const other = await new FakeTarget(world, 3).register();
    other.outcomeOf = async () => ({ outcome: "aborted" });
    const held = Promise.withResolvers<Result<"epoch.outcome">>();
    asked.outcomeOf = () => held.promise;
    const many = Array.from({ length: 32 }, () => enquire());
    await world.settle();
    await refused(world.done(enquire()), "ERR_TOO_MANY");
    assert.deepEqual(await world.done(enquire(other.id)), { outcome: "aborted" });
    held.resolve({ outcome: "committed" });
    for (const answer of await world.done(Promise.all(many))) assert.equal(answer.outcome, "committed");
    assert.deepEqual(await world.done(enquire()), { outcome: "committed" }, "there is room again");
  });

  test("come from targets that have registered only", async (context) => {
    const { world, asked, answers, enquire } = await pair(context);
    answers("committed");
    const origin = await world.origin();
    const stranger = await world.enter("target");
    const decider = { target: asked.id, worker: 0 };
    await refused(origin.call("meta.epochOutcome", { decider, name: NAME }), "ERR_NOT_SUPPORTED");
    await refused(origin.call("meta.epochFinish", { participant: decider, name: NAME }), "ERR_NOT_SUPPORTED");
    await refused(
      world.done(stranger.call("meta.epochOutcome", { decider, name: NAME }, LIMITS)),
      "ERR_INVALID_ARGUMENT",
    );
    await refused(
      world.done(stranger.call("meta.epochFinish", { participant: decider, name: NAME }, LIMITS)),
      "ERR_INVALID_ARGUMENT",
    );
    assert.deepEqual(await world.done(enquire()), { outcome: "committed" });
  });
});
