import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { DidafsError } from "../../src/std/errors.ts";
import type { Result } from "../../src/wire/control.ts";
import { nameOf, OTHER, selfOf } from "./left-logs.ts";
import { ScriptedWorkers } from "./scripted-workers.ts";
import { TargetFixture } from "./target-fixture.ts";

const { COMMITTED, ABORTED, UNDECIDED, PREPARED } = EPOCH_ANSWER;
const WORDS = [
  ["committed", COMMITTED],
  ["aborted", ABORTED],
  ["undecided", UNDECIDED],
] as const;

type Outcome = Result<"epoch.outcome">;

async function serving() {
  const fixture = new TargetFixture({ scripted: true });
  const workers = new ScriptedWorkers(fixture);
  await fixture.registered();
  const asked: { method: string; asked: unknown }[] = [];
  const metaAnswers = (answer: () => Promise<Outcome>): void => {
    fixture.epochOutcome = (method, question) => {
      asked.push({ method, asked: question });
      return answer();
    };
  };
  return { fixture, workers, asked, metaAnswers };
}

describe("what workers ask about epochs", () => {
  test("of another target goes over the metadata service, and what the decider says comes back", async () => {
    const { fixture, workers, asked, metaAnswers } = await serving();
    for (const [round, [outcome, answer]] of WORDS.entries()) {
      metaAnswers(async () => ({ outcome }));
      workers.say(1, { type: "epoch-enquire", key: `k${round}`, name: nameOf(round), decider: OTHER });
      await fixture.steps(10);
      assert.deepEqual(workers.orders(1, "epoch-outcome").at(-1), {
        type: "epoch-outcome",
        key: `k${round}`,
        answer,
      });
      assert.deepEqual(asked.at(-1), {
        method: "meta.epochOutcome",
        asked: { decider: OTHER, name: nameOf(round) },
      });
    }
    assert.deepEqual(workers.orders(0, "epoch-outcome"), []);
    assert.equal(workers.orders(1, "epoch-outcome").length, WORDS.length);
  });

  test("of this target's own workers goes to them at once", async () => {
    const { fixture, workers, asked, metaAnswers } = await serving();
    metaAnswers(async () => ({ outcome: "committed" }));
    workers.say(0, { type: "epoch-enquire", key: "k", name: nameOf(3), decider: selfOf(1) });
    const { id, name } = await workers.order(1, "epoch-enquiry");
    assert.deepEqual(name, nameOf(3));
    workers.say(1, { type: "epoch-enquired", id, answer: ABORTED });
    assert.equal((await workers.order(0, "epoch-outcome")).answer, ABORTED);
    workers.say(1, { type: "epoch-ask-finish", name: nameOf(4), participant: selfOf(0) });
    const finish = await workers.order(0, "epoch-finish");
    assert.deepEqual(finish.name, nameOf(4));
    workers.say(0, { type: "epoch-finished", id: finish.id, answer: COMMITTED });
    const { name: finished, participant } = await workers.order(1, "epoch-acknowledged");
    assert.deepEqual([finished, participant], [nameOf(4), selfOf(0)]);
    await fixture.steps(5);
    assert.deepEqual(asked, []);
  });

  test("a participant is taken to have finished only where it says so", async () => {
    const { fixture, workers, asked, metaAnswers } = await serving();
    const ask = async (): Promise<void> => {
      workers.say(0, { type: "epoch-ask-finish", name: nameOf(5), participant: OTHER });
      await fixture.steps(10);
    };
    for (const [outcome] of WORDS.slice(1)) {
      metaAnswers(async () => ({ outcome }));
      await ask();
      assert.deepEqual(workers.orders(0, "epoch-acknowledged"), []);
    }
    metaAnswers(async () => ({ outcome: "committed" }));
    await ask();
    const order = await workers.order(0, "epoch-acknowledged");
    assert.deepEqual([order.name, order.participant], [nameOf(5), OTHER]);
    assert.deepEqual(asked.at(-1), {
      method: "meta.epochFinish",
      asked: { participant: OTHER, name: nameOf(5) },
    });
  });

  test("is not answered where nobody is reached, and can be asked again", async () => {
    const { fixture, workers, metaAnswers } = await serving();
    const enquire = async (): Promise<void> => {
      workers.say(0, { type: "epoch-enquire", key: "k", name: nameOf(6), decider: OTHER });
      await fixture.steps(10);
    };
    metaAnswers(() => Promise.reject(new DidafsError("ERR_UNREACHABLE", "that target is down")));
    await enquire();
    fixture.meta.close();
    await fixture.steps(5);
    assert.equal(fixture.control.registered, false);
    await enquire();
    assert.deepEqual(workers.orders(0, "epoch-outcome"), []);
    fixture.meta = fixture.startMeta();
    metaAnswers(async () => ({ outcome: "committed" }));
    await fixture.pass(3000);
    await enquire();
    assert.equal((await workers.order(0, "epoch-outcome")).answer, COMMITTED);
    assert.deepEqual(
      fixture.log.complaints.filter(({ level }) => level === "error"),
      [],
    );
  });

  test("is asked once at a time, so many at a time that a heartbeat still has its place, and all in the end", async () => {
    const { fixture, workers, asked, metaAnswers } = await serving();
    const held = Promise.withResolvers<void>();
    metaAnswers(async () => {
      await held.promise;
      return { outcome: "aborted" };
    });
    for (let again = 0; again < 2; again += 1) {
      for (let i = 0; i < 100; i += 1) {
        workers.say(0, { type: "epoch-enquire", key: `k${i}`, name: nameOf(i), decider: OTHER });
      }
      await fixture.steps(10);
    }
    assert.equal(asked.length, 32);
    const beats = fixture.told.length;
    await fixture.pass(1200);
    assert.ok(fixture.told.length > beats, "heartbeats go on");
    held.resolve();
    await fixture.steps(60);
    const keys = workers.orders(0, "epoch-outcome").map(({ key }) => key);
    assert.deepEqual([keys.length, new Set(keys).size], [100, 100]);
  });
});

describe("what other targets ask about epochs", () => {
  test("is answered by the worker that it is for", async () => {
    const { fixture, workers } = await serving();
    for (const [round, [outcome, answer]] of WORDS.entries()) {
      for (const [method, order, reply] of [
        ["epoch.outcome", "epoch-enquiry", "epoch-enquired"],
        ["epoch.finish", "epoch-finish", "epoch-finished"],
      ] as const) {
        const call = fixture.metaChannel?.call(
          method,
          { worker: 1, name: nameOf(round) },
          { timeoutMs: 1e6 },
        );
        await fixture.steps(5);
        const { id, name } = workers.orders(1, order).at(-1) ?? assert.fail(`${method} reaches the worker`);
        assert.deepEqual(name, nameOf(round));
        workers.say(1, { type: reply, id, answer });
        assert.deepEqual(await fixture.settle(call as Promise<Outcome>), { outcome });
      }
    }
    assert.deepEqual(
      workers.types(0).filter((type) => type !== "epoch-self"),
      [],
    );
  });

  test("of which several are under way is answered one by one, in any order", async () => {
    const { fixture, workers } = await serving();
    const calls = [1, 2, 3].map((sequence) =>
      fixture.metaChannel?.call("epoch.outcome", { worker: 0, name: nameOf(sequence) }, { timeoutMs: 1e6 }),
    );
    await fixture.steps(5);
    const answers: Record<number, number> = { 1: COMMITTED, 2: ABORTED, 3: UNDECIDED };
    for (const { id, name } of workers.orders(0, "epoch-enquiry").reverse()) {
      workers.say(0, { type: "epoch-enquired", id, answer: answers[name.sequence] as number });
    }
    const outcomes = (await fixture.settle(Promise.all(calls))).map((result) => result?.outcome);
    assert.deepEqual(outcomes, ["committed", "aborted", "undecided"]);
  });

  test("of a worker that there is not: nothing was committed there, and nothing is left to be finished", async () => {
    const { fixture } = await serving();
    const params = { worker: 9, name: nameOf(1) };
    assert.deepEqual(await fixture.call("epoch.outcome", params), { outcome: "aborted" });
    assert.deepEqual(await fixture.call("epoch.finish", params), { outcome: "committed" });
  });

  test("is refused in time where the worker says nothing, or too many wait for it", async () => {
    const { fixture, workers } = await serving();
    const limits = { timeoutMs: 1e6 };
    const ask = (): Promise<Outcome> =>
      fixture.metaChannel?.call("epoch.outcome", { worker: 0, name: nameOf(1) }, limits) as Promise<Outcome>;
    for (let batch = 0; batch < 4; batch += 1) {
      const calls = Promise.allSettled(Array.from({ length: 64 }, ask));
      await fixture.pass(2200);
      for (const call of await fixture.settle(calls)) {
        assert.equal(call.status === "rejected" && call.reason.code, "ERR_TIMEOUT");
      }
    }
    await assert.rejects(fixture.settle(ask()), { code: "ERR_TOO_MANY" });
    const enquiries = workers.orders(0, "epoch-enquiry");
    assert.equal(enquiries.length, 256);
    for (const { id } of enquiries) workers.say(0, { type: "epoch-enquired", id, answer: COMMITTED });
    await fixture.step();
    const asked = ask();
    await fixture.steps(3);
    const { id } = workers.orders(0, "epoch-enquiry").at(-1) ?? assert.fail("it is asked");
    workers.say(0, { type: "epoch-enquired", id, answer: PREPARED });
    await assert.rejects(fixture.settle(asked), { code: "ERR_INTERNAL" }, "that is no answer to it");
    assert.match(fixture.log.complaints.at(-1)?.msg ?? "", /failed by a fault/);
  });
});
