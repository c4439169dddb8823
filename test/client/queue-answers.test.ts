import assert from "node:assert/strict";
import { test } from "node:test";
import { type QueueAnswer, QueueAnswers, type QueueHome } from "../../src/client/queue-answers.ts";
import { DidafsError, isDidafsError } from "../../src/std/errors.ts";
import type { Landing } from "../../src/transport/pump.ts";

const NOTHING: QueueAnswer = { count: 0, notices: new Uint8Array(0) };
const LIMITS = { timeoutMs: 1000, signal: undefined };

/** A home whose answers the test gives. */
class Home {
  readonly asked: PromiseWithResolvers<QueueAnswer>[] = [];
  readonly home: QueueHome;

  constructor(number: number) {
    const notified = {
      next: (): Promise<QueueAnswer> => {
        const answer = Promise.withResolvers<QueueAnswer>();
        this.asked.push(answer);
        return answer.promise;
      },
    };
    const pump = {
      land: (landing: Landing): Promise<void> =>
        new Promise((resolve) => {
          landing.onSettled = resolve;
        }),
    };
    this.home = { index: number, number, access: { notified, link: { pump } } } as unknown as QueueHome;
  }
}

function queueOf(count: number) {
  const homes = Array.from({ length: count }, (_, number) => new Home(number));
  const took: [number, number][] = [];
  let ended = 0;
  const answers = new QueueAnswers(
    homes.map(({ home }) => home),
    ({ number }, answer) => took.push([number, answer.count]),
    () => {
      ended += 1;
    },
  );
  return { homes: homes as [Home, Home], took, answers, ended: () => ended };
}

test("each home is asked once at a time, and whatever one answers is taken", async () => {
  const { homes, took, answers } = queueOf(2);
  const coming = answers.come(LIMITS);
  answers.ask(60_000);
  assert.deepEqual(
    homes.map(({ asked }) => asked.length),
    [1, 1],
  );
  homes[1].asked[0]?.resolve({ ...NOTHING, count: 3 });
  await coming;
  assert.deepEqual(took, [[1, 3]]);
  const next = answers.come(LIMITS);
  homes[0].asked[0]?.resolve({ ...NOTHING, count: 4 });
  await next;
  assert.deepEqual(took, [
    [1, 3],
    [0, 4],
  ]);
});

test("a home that is lost ends the queue at the others too, once, and nothing is asked any more", async () => {
  const { homes, took, answers, ended } = queueOf(2);
  const coming = answers.come(LIMITS);
  homes[0].asked[0]?.reject(new DidafsError("ERR_SESSION_LOST", "gone"));
  await assert.rejects(coming, (error) => isDidafsError(error, "ERR_SESSION_LOST"));
  homes[1].asked[0]?.reject(new DidafsError("ERR_BAD_HANDLE", "closed"));
  await assert.rejects(answers.come(LIMITS), (error) => isDidafsError(error, "ERR_SESSION_LOST"));
  assert.throws(
    () => answers.ask(60_000),
    (error) => isDidafsError(error, "ERR_SESSION_LOST"),
  );
  answers.end(new DidafsError("ERR_CLOSED", "closed"));
  assert.equal(ended(), 1);
  assert.deepEqual(took, []);
});

test("a home that lets nobody wait for now is said so to those who wait, and asked again by who comes", async () => {
  const { homes, took, answers, ended } = queueOf(1);
  const coming = answers.come(LIMITS);
  homes[0].asked[0]?.reject(new DidafsError("ERR_TOO_MANY", "later"));
  await assert.rejects(coming, (error) => isDidafsError(error, "ERR_TOO_MANY"));
  const next = answers.come(LIMITS);
  homes[0].asked[1]?.resolve({ ...NOTHING, count: 1 });
  await next;
  assert.deepEqual([took, ended()], [[[0, 1]], 0]);
});
