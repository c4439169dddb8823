import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClaimPart } from "../../src/client/epoch-claims.ts";
import { type CommitParticipant, commitEpoch } from "../../src/client/epoch-commit.ts";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { decodeEpochMessage, EPOCH_MESSAGE, type EpochMessage } from "../../src/wire/epoch-message.ts";

const NAME = { incarnation: "e".repeat(32), session: 4, secret: "5e".repeat(8), sequence: 9 };
const LIMITS = { timeoutMs: 1000, signal: undefined };
const KINDS = new Map<number, string>(Object.entries(EPOCH_MESSAGE).map(([name, kind]) => [kind, name]));
const { PREPARED, COMMITTED, ABORTED, CONFLICT, FULL, REFUSED } = EPOCH_ANSWER;

interface Said extends EpochMessage {
  readonly answer: (answer: number) => Promise<void>;
  readonly fail: (applied: "no" | "unknown", code?: "ERR_TIMEOUT" | "ERR_NO_SPACE") => Promise<void>;
}

/** A worker that answers when a test says so. */
class Worker implements CommitParticipant {
  readonly self: CommitParticipant["self"];
  readonly claim: readonly ClaimPart[];
  readonly #said: Said[] = [];

  constructor(number: number, parts = 1, writes = true) {
    this.self = { target: String(number).repeat(32), worker: 0 };
    this.claim = Array.from({ length: parts }, (_, i) => ({
      reads: [{ handle: 1, at: i, version: 3 }],
      writes: writes ? [{ handle: 1, at: i, bytes: new Uint8Array([i]) }] : [],
    }));
  }

  tell(payload: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const answer = (given: number): Promise<void> => {
      resolve(given);
      return turn();
    };
    const fail: Said["fail"] = (applied, code = "ERR_TIMEOUT") => {
      reject(new DidafsError(code, "it broke", { applied }));
      return turn();
    };
    this.#said.push({ ...decodeEpochMessage(payload), answer, fail });
    return promise;
  }

  /** The oldest message that was not looked at. */
  heard(kind: keyof typeof EPOCH_MESSAGE): Said {
    const next = this.#said.shift();
    assert.equal(next === undefined ? undefined : KINDS.get(next.kind), kind);
    return next as Said;
  }

  heardNothing(): void {
    assert.deepEqual(
      this.#said.map(({ kind }) => KINDS.get(kind)),
      [],
    );
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function commit(workers: readonly Worker[], waitsForAll = true) {
  const [participants, nowMs] = [workers, () => 0];
  const done = commitEpoch(
    { name: NAME, stable: true, participants, decider: 0, waitsForAll, nowMs },
    LIMITS,
  );
  let state = "waits";
  done.then(
    () => {
      state = "committed";
    },
    () => {
      state = "failed";
    },
  );
  return { done, state: () => state };
}

describe("the commit of an epoch", () => {
  it("with one participant is one message that says all", async () => {
    const worker = new Worker(0);
    const { done } = commit([worker]);
    const message = worker.heard("COMMIT_ALONE");
    const { name, decider, stable, reads, writes } = message;
    assert.deepEqual({ name, decider, stable }, { name: NAME, decider: worker.self, stable: true });
    assert.deepEqual([{ reads, writes }], worker.claim);
    await message.answer(COMMITTED);
    await done;
    worker.heardNothing();
  });

  for (const [answer, code] of [
    [CONFLICT, "ERR_EPOCH_CONFLICT"],
    [ABORTED, "ERR_EPOCH_CONFLICT"],
    [FULL, "ERR_TOO_MANY"],
    [REFUSED, "ERR_SESSION_LOST"],
  ] as const) {
    it(`with one participant that answers ${answer} has no effect: ${code}`, async () => {
      const worker = new Worker(0);
      const failed = assert.rejects(commit([worker]).done, { code, applied: "no" });
      await worker.heard("COMMIT_ALONE").answer(answer);
      await failed;
      worker.heardNothing();
    });
  }

  for (const count of [1, 2, 3]) {
    it(`that writes nothing asks all ${count} at once whether what it read is there, and that is all`, async () => {
      const workers = Array.from({ length: count }, (_, number) => new Worker(number, 1, false));
      const { done, state } = commit(workers);
      const asked = workers.map((worker) => worker.heard("VALIDATE"));
      for (const message of asked) {
        assert.equal(state(), "waits");
        await message.answer(COMMITTED);
      }
      await done;
      for (const worker of workers) worker.heardNothing();
    });
  }

  it("that writes nothing fails with the first that denies it, or cannot be asked; it never has an effect", async () => {
    for (const [how, code] of [
      [(said: Said) => said.answer(CONFLICT), "ERR_EPOCH_CONFLICT"],
      [(said: Said) => said.answer(REFUSED), "ERR_SESSION_LOST"],
      [(said: Said) => said.fail("unknown"), "ERR_TIMEOUT"],
    ] as const) {
      const workers = [new Worker(0, 1, false), new Worker(1, 1, false)] as const;
      const failed = assert.rejects(commit(workers).done, { code, applied: "no" });
      const asked = workers.map((worker) => worker.heard("VALIDATE"));
      await how(asked[1] as Said);
      await failed;
      await asked[0]?.answer(COMMITTED);
      for (const worker of workers) worker.heardNothing();
    }
  });

  it("with several prepares everywhere, decides at one, finishes everywhere, and acknowledges that", async () => {
    const workers = [new Worker(0), new Worker(1), new Worker(2)] as const;
    const { done, state } = commit(workers);
    const prepares = workers.map((worker) => worker.heard("PREPARE"));
    for (const prepare of prepares) await prepare.answer(PREPARED);
    const decide = workers[0].heard("DECIDE");
    assert.deepEqual(decide.others, [workers[1].self, workers[2].self]);
    for (const worker of workers) worker.heardNothing();
    await decide.answer(COMMITTED);
    const finishes = [workers[1], workers[2]].map((worker) => worker.heard("FINISH_COMMITTED"));
    await finishes[0]?.answer(COMMITTED);
    workers[0].heardNothing();
    assert.equal(state(), "waits", "what it wrote is not in place everywhere");
    await finishes[1]?.answer(COMMITTED);
    await done;
    assert.deepEqual(workers[0].heard("ACKNOWLEDGE").others, [workers[1].self, workers[2].self]);
  });

  it("is done once it is decided where nobody asks for more", async () => {
    const workers = [new Worker(0), new Worker(1)] as const;
    const { done } = commit(workers, false);
    for (const worker of workers) await worker.heard("PREPARE").answer(PREPARED);
    await workers[0].heard("DECIDE").answer(COMMITTED);
    await done;
    workers[1].heard("FINISH_COMMITTED");
  });

  it("is done, and acknowledges only who has finished, where another one does not answer", async () => {
    const workers = [new Worker(0), new Worker(1), new Worker(2)] as const;
    const { done } = commit(workers);
    for (const worker of workers) await worker.heard("PREPARE").answer(PREPARED);
    await workers[0].heard("DECIDE").answer(COMMITTED);
    await workers[1].heard("FINISH_COMMITTED").fail("unknown");
    await workers[2].heard("FINISH_COMMITTED").answer(COMMITTED);
    await done;
    assert.deepEqual(workers[0].heard("ACKNOWLEDGE").others, [workers[2].self]);
  });

  it("has everybody give up who may have prepared, where one cannot", async () => {
    const workers = [new Worker(0), new Worker(1), new Worker(2)] as const;
    const failed = assert.rejects(commit(workers).done, { code: "ERR_EPOCH_CONFLICT", applied: "no" });
    await workers[0].heard("PREPARE").answer(PREPARED);
    const open = workers[2].heard("PREPARE");
    await workers[1].heard("PREPARE").answer(CONFLICT);
    await failed;
    workers[0].heard("FINISH_ABORTED");
    workers[1].heardNothing();
    workers[2].heard("FINISH_ABORTED");
    await open.answer(PREPARED);
    for (const worker of workers) worker.heardNothing();
  });

  it("says that nobody knows where the answer to the decision is lost, and leaves the others to ask", async () => {
    const workers = [new Worker(0), new Worker(1)] as const;
    const failed = assert.rejects(commit(workers).done, { code: "ERR_TIMEOUT", applied: "unknown" });
    for (const worker of workers) await worker.heard("PREPARE").answer(PREPARED);
    await workers[0].heard("DECIDE").fail("unknown");
    await failed;
    workers[1].heard("LEAVE");
  });

  it("takes a decision that was refused for one that may have been made", async () => {
    const workers = [new Worker(0), new Worker(1)] as const;
    const failed = assert.rejects(commit(workers).done, { code: "ERR_NO_SPACE", applied: "unknown" });
    for (const worker of workers) await worker.heard("PREPARE").answer(PREPARED);
    await workers[0].heard("DECIDE").fail("no", "ERR_NO_SPACE");
    await failed;
    workers[1].heard("LEAVE");
  });

  it("has no effect where the decision never left", async () => {
    const workers = [new Worker(0), new Worker(1)] as const;
    const failed = assert.rejects(commit(workers).done, { code: "ERR_TIMEOUT", applied: "no" });
    for (const worker of workers) await worker.heard("PREPARE").answer(PREPARED);
    await workers[0].heard("DECIDE").fail("no");
    await failed;
    for (const worker of workers) worker.heard("FINISH_ABORTED");
  });

  it("sends what does not fit first, and prepares once it is there", async () => {
    const workers = [new Worker(0, 3), new Worker(1)] as const;
    const { done } = commit(workers);
    await workers[1].heard("PREPARE").answer(PREPARED);
    const more = [workers[0].heard("MORE"), workers[0].heard("MORE")] as const;
    await more[0].answer(0);
    workers[0].heardNothing();
    await more[1].answer(0);
    const prepare = workers[0].heard("PREPARE");
    const parts = [...more, prepare].map(({ reads, writes }) => ({ reads, writes }));
    assert.deepEqual(parts, workers[0].claim);
    await prepare.answer(PREPARED);
    await workers[0].heard("DECIDE").answer(COMMITTED);
    await workers[1].heard("FINISH_COMMITTED").answer(COMMITTED);
    await done;
  });

  it("prepares nothing of which a part is missing, whether it is alone or not", async () => {
    for (const others of [[], [new Worker(1)]]) {
      const worker = new Worker(0, 2);
      const failed = assert.rejects(commit([worker, ...others]).done, { code: "ERR_TIMEOUT", applied: "no" });
      await worker.heard("MORE").fail("unknown");
      await failed;
      worker.heard("FINISH_ABORTED");
      worker.heardNothing();
    }
  });

  it("prepares nothing more once another one has refused", async () => {
    const workers = [new Worker(0, 2), new Worker(1)] as const;
    const failed = assert.rejects(commit(workers).done, { code: "ERR_EPOCH_CONFLICT" });
    const more = workers[0].heard("MORE");
    await workers[1].heard("PREPARE").answer(CONFLICT);
    await failed;
    await more.answer(0);
    workers[0].heard("FINISH_ABORTED");
    workers[0].heard("FINISH_ABORTED");
    workers[0].heardNothing();
  });
});
