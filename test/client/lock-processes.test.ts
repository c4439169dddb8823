/** Locks that processes of both kinds take on ranges of one file, held against the checker of exclusion. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, it, type TestContext } from "node:test";
import { checkExclusion } from "../../src/sim/checkers/exclusion.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { FILE_BYTES, type LockWorkerPlan, PLACES, type SeenSection, STRIPE_UNIT } from "./shared-locks.ts";
import { runWorkers, TRANSPORTS } from "./worker-parts.ts";

/** Of each process. */
const SECTIONS = 150;
/** Without locks, where nobody waits for anybody. */
const UNLOCKED = 1500;

describe("locks of processes of both kinds", () => {
  let local: LocalCluster;
  before(async () => {
    local = await startLocalCluster({ targets: 2 });
  });
  after(() => local[Symbol.asyncDispose]());

  async function sectionsOf(locks: boolean, context: TestContext): Promise<SeenSection[]> {
    const seed = randomInt(2 ** 30);
    await local.cluster.remove("/shared-locks").catch(() => {});
    const layout = { create: "exclusive", size: FILE_BYTES, targets: 2, stripeUnit: STRIPE_UNIT } as const;
    await using _file = await local.cluster.open("/shared-locks", layout);
    const plan = { seed, locks, sections: locks ? SECTIONS : UNLOCKED };
    const seen = await runWorkers<LockWorkerPlan, SeenSection[]>("./lock-worker.ts", local, plan);
    const sections = seen.flat();
    assert.equal(sections.length, TRANSPORTS.length * plan.sections);
    context.diagnostic(
      `seed ${seed}: ${sections.length} sections, ${passedOn(sections)} read what the other kind wrote`,
    );
    return sections;
  }

  it("exclude each other: of a value that was read under one nobody else makes another one", async (context) => {
    const sections = await sectionsOf(true, context);
    assert.deepEqual(faultsOf(sections), []);
    assert.ok(passedOn(sections) >= SECTIONS / 10, "locks hardly passed from one kind to the other");
    const together = sections.filter((one) => meets(one, sections));
    assert.ok(together.length > 0, "nobody held a shared lock beside another one");
    assert.ok(together.every(({ mode }) => mode === "shared"));
    assert.equal(faultsOf(withOldRead(sections)).length, 1, "what was read by two is found");
    assert.equal(faultsOf(withChange(sections)).length, 1, "what changed under a shared lock is found");
  });

  it("are what does it: without them the checker refuses what the same processes do", async (context) => {
    const faults = faultsOf(await sectionsOf(false, context));
    assert.notDeepEqual(faults, [], "they were there together, and nothing kept them apart");
    context.diagnostic(`found at ${faults.length} of ${PLACES.length} words, first: ${faults[0]}`);
  });
});

function faultsOf(sections: readonly SeenSection[]): string[] {
  return [...PLACES.keys()]
    .map((word) => checkExclusion(sections.filter((one) => one.word === word)))
    .filter((fault) => fault !== undefined);
}

/** How many read what a process of the other kind had written. */
function passedOn(sections: readonly SeenSection[]): number {
  const kindOf = ({ client }: SeenSection): string | undefined => client.split(" ")[0];
  const writers = new Map(
    sections.filter(({ mode }) => mode === "exclusive").map((one) => [one.second, kindOf(one)]),
  );
  return sections.filter((one) => (writers.get(one.read) ?? kindOf(one)) !== kindOf(one)).length;
}

/** Somebody else was at the same word meanwhile. */
function meets({ client, word, invoked, returned }: SeenSection, all: readonly SeenSection[]): boolean {
  const others = all.filter((one) => one.word === word && one.client !== client);
  return others.some((one) => one.invoked < returned && one.returned > invoked);
}

/** The same, but one section has read what another one had replaced already. */
function withOldRead(sections: readonly SeenSection[]): SeenSection[] {
  const exclusive = sections
    .filter(({ mode, word }) => mode === "exclusive" && word === 0)
    .sort((one, other) => one.invoked - other.invoked);
  const [early, late] = exclusive.slice(exclusive.length / 2) as [SeenSection, SeenSection];
  return sections.map((one) => (one === late ? { ...one, read: early.read } : one));
}

/** The same, but under one shared lock the word has changed. */
function withChange(sections: readonly SeenSection[]): SeenSection[] {
  const shared = sections.find(({ mode }) => mode === "shared");
  return sections.map((one) => (one === shared ? { ...one, second: one.second + 1 } : one));
}
