/** Epochs of processes of both kinds on the same words, held against the checkers of epochs and of single words. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, it, type TestContext } from "node:test";
import type { DidafsFile } from "../../src/index.ts";
import type { Epoch, EpochStep } from "../../src/sim/checkers/epoch-history.ts";
import { checkEpochs } from "../../src/sim/checkers/epochs.ts";
import { checkWord } from "../../src/sim/checkers/words.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import {
  type EpochWorkerPlan,
  FILE_BYTES,
  keyOf,
  PLACES,
  type SeenAccess,
  STRIPE_UNIT,
  type WordWorkerPlan,
} from "./shared-epochs.ts";
import { now, runWorkers } from "./worker-parts.ts";

/** Of each process. */
const COMMITTED = 400;
/** Where each waits for all others. */
const LOCKED = 50;
/** Without atomicity: a few accesses each. */
const EPOCHS = 200;

describe("epochs of processes of both kinds", () => {
  let local: LocalCluster;
  before(async () => {
    local = await startLocalCluster({ targets: 2 });
  });
  after(() => local[Symbol.asyncDispose]());

  async function makeFile(): Promise<DidafsFile> {
    await local.cluster.remove("/shared-epochs").catch(() => {});
    return local.cluster.open("/shared-epochs", {
      create: "exclusive",
      size: FILE_BYTES,
      targets: 2,
      stripeUnit: STRIPE_UNIT,
    });
  }

  /** All of their epochs, and one that looks at what is left. */
  async function historyOf(
    isolation: EpochWorkerPlan["isolation"],
    context: TestContext,
    committed: number = COMMITTED,
  ): Promise<Epoch[]> {
    const seed = randomInt(2 ** 30);
    await using file = await makeFile();
    const seen = await runWorkers<EpochWorkerPlan, Epoch[]>("./epoch-worker.ts", local, {
      seed,
      isolation,
      committed,
    });
    await using window = await file.window();
    const invoked = now();
    const steps: EpochStep[] = await window.epoch((e) =>
      Promise.all(
        PLACES.map(async (at, word) => ({ op: "read" as const, key: keyOf(word), value: await e.load(at) })),
      ),
    );
    const returned = now();
    const last = { client: "last", invoked, returned, outcome: "committed", steps, final: true } as const;
    const epochs = seen.flat();
    const history = [...epochs, last];
    const conflicts = history.filter(({ outcome }) => outcome === "aborted").length;
    const meetings = epochs.filter((epoch) => overlaps(epoch, epochs)).length;
    context.diagnostic(
      `seed ${seed}: ${history.length - conflicts} committed, ${conflicts} conflicts, ${meetings} met others`,
    );
    return history;
  }

  /** All of their accesses, and a last look at each word. */
  async function accessesOf(
    consistency: WordWorkerPlan["consistency"],
    context: TestContext,
  ): Promise<SeenAccess[]> {
    const seed = randomInt(2 ** 30);
    await using file = await makeFile();
    const seen = await runWorkers<WordWorkerPlan, SeenAccess[]>("./word-worker.ts", local, {
      seed,
      consistency,
      epochs: EPOCHS,
    });
    await using window = await file.window();
    const accesses = seen.flat();
    for (const [word, at] of PLACES.entries()) {
      const invoked = now();
      const output = await window.load(at);
      const input = { op: "load" } as const;
      const seen = { client: "last", input, invoked, returned: now(), outcome: "done", output } as const;
      accesses.push({ ...seen, word, turn: 0 });
    }
    const meetings = accesses.filter((access) => overlaps(access, accesses)).length;
    context.diagnostic(`seed ${seed}: ${accesses.length} accesses, ${meetings} met others`);
    return accesses;
  }

  it("are serializable where they ask for it", async (context) => {
    const asked = { isolation: "serializable", consistency: "release" } as const;
    const history = await historyOf("serializable", context);
    assert.equal(history.filter(({ outcome }) => outcome === "committed").length, 4 * COMMITTED + 1);
    const conflicts = history.filter(({ outcome }) => outcome === "aborted").length;
    assert.ok(conflicts >= COMMITTED / 20, `only ${conflicts} conflicts: they were hardly there together`);
    assert.deepEqual(checkEpochs(history, asked), []);
    assert.notDeepEqual(checkEpochs(withOldRead(history), asked), [], "a read of an old version is found");
  });

  it("take turns where they lock what they use", async (context) => {
    const asked = { isolation: "exclusive", consistency: "release" } as const;
    const history = await historyOf("exclusive", context, LOCKED);
    assert.equal(history.length, 4 * LOCKED + 1, "nobody is refused");
    assert.deepEqual(checkEpochs(history, asked), []);
    assert.notDeepEqual(checkEpochs(withOldRead(history), asked), [], "a read of an old version is found");
  });

  it("without isolation are whole, and seen from their close on", async (context) => {
    const asked = { isolation: "none", consistency: "release" } as const;
    const history = await historyOf("none", context);
    assert.equal(history.length, 4 * COMMITTED + 1, "nobody is refused");
    assert.deepEqual(checkEpochs(history, asked), []);
    assert.notDeepEqual(checkEpochs(withOldRead(history), asked), [], "a read of an old version is found");
    const stronger = checkEpochs(history, { isolation: "serializable", consistency: "release" });
    assert.notDeepEqual(stronger, [], "they were there together, and nothing kept them apart");
    context.diagnostic(
      `${stronger.length} anomalies that isolation "serializable" forbids, first ${stronger[0]?.name}`,
    );
  });

  it("have each access in place before the next is issued where they are sequential", async (context) => {
    const accesses = inTurn(await accessesOf("sequential", context));
    for (const word of PLACES.keys()) {
      assert.equal(verdictOf(accesses, word), "linearizable");
      const changed = withOldLoad(accesses, word);
      assert.equal(verdictOf(changed, word), "violated", "a load of what had been replaced is found");
    }
  });

  it("without that keep the order of each word, and accesses to several overtake each other", async (context) => {
    const accesses = await accessesOf("release", context);
    const words = [...PLACES.keys()];
    assert.ok(words.every((word) => verdictOf(accesses, word) === "linearizable"));
    const stronger = words.filter((word) => verdictOf(inTurn(accesses), word) === "violated");
    assert.notDeepEqual(stronger, [], "they were there together, and nothing kept them in turn");
    context.diagnostic(`words without the order that consistency "sequential" promises: ${stronger.join()}`);
  });
});

type Seen = Pick<Epoch, "client" | "invoked" | "returned">;

/** Another process had one under way meanwhile. */
function overlaps({ client, invoked, returned }: Seen, all: readonly Seen[]): boolean {
  return all.some((one) => one.client !== client && one.invoked < returned && one.returned > invoked);
}

/** The same history, but one epoch has read what had been replaced long before. */
function withOldRead(history: readonly Epoch[]): Epoch[] {
  const committed = history.filter(({ outcome, final }) => outcome === "committed" && final !== true);
  const inTime = committed.toSorted((one, other) => one.invoked - other.invoked);
  const late = inTime[Math.floor(inTime.length / 2)] as Epoch;
  const [first] = late.steps as [EpochStep];
  const steps = late.steps.map((step) =>
    step === first && step.op === "read" ? { ...step, value: 0 } : step,
  );
  return history.map((epoch) => (epoch === late ? { ...epoch, steps } : epoch));
}

/** Whether the accesses to a word have an order. */
function verdictOf(accesses: readonly SeenAccess[], word: number): string {
  return checkWord(accesses.filter((one) => one.word === word)).kind;
}

/** Each begins when it is its turn, whenever it was asked for, and ends behind that. */
function inTurn(accesses: readonly SeenAccess[]): SeenAccess[] {
  return accesses.map((access) => {
    const invoked = Math.max(access.invoked, access.turn);
    return { ...access, invoked, returned: Math.max(access.returned, invoked) };
  });
}

/** The same history, but one load of the word gives what an addition that had its answer before had replaced. */
function withOldLoad(accesses: readonly SeenAccess[], word: number): SeenAccess[] {
  const own = accesses.filter((one) => one.word === word).sort((one, other) => one.invoked - other.invoked);
  const middle = Math.floor(own.length / 2);
  const late = own.find(({ input }, at) => at > middle && input.op === "load") as SeenAccess;
  const before = own.filter(({ input, returned }) => input.op === "add" && returned < late.invoked);
  const output = before.at(-1)?.output;
  assert.ok(output !== undefined && output !== late.output);
  return accesses.map((one) => (one === late ? { ...one, output } : one));
}
