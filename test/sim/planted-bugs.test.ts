/** Bugs planted in a copy of the production code, which the simulation must find: how many seeds that takes. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runSeed } from "../../src/sim/run/run-seed.ts";
import { BOARD_BUGS } from "./planted/board-bugs.ts";
import { PLANTED_BUGS, type PlantedBug } from "./planted/bugs.ts";
import type { Hunt } from "./planted/hunt-child.ts";
import { NOTIFICATION_BUGS } from "./planted/notification-bugs.ts";
import { PatchedSources } from "./planted/sources.ts";
import { turn } from "./turn.ts";

const CHILD = fileURLToPath(new URL("planted/hunt-child.ts", import.meta.url));
/** Hunts for each bug, an even number. */
const HUNTS = Number(process.env.DIDAFS_PLANTED_HUNTS ?? 20);
/** Of one hunt; one that gives up counts as longer than all others. */
const SEEDS_MAX = 25;
/** Hunts at a time. */
const CHILDREN = 2;
const TIMEOUT_MS = 3_600_000;

interface Findings {
  readonly bug: PlantedBug;
  readonly median: number;
  readonly hunts: readonly Hunt[];
}

async function hunt(bug: PlantedBug): Promise<Findings> {
  using sources = new PatchedSources(bug.patches);
  const { focus = "everything", seedsMax = SEEDS_MAX } = bug;
  const call = [CHILD, sources.directory, String(HUNTS), String(seedsMax), focus];
  const { stdout } = await promisify(execFile)(process.execPath, call, { maxBuffer: 16 << 20 });
  const hunts = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Hunt);
  const seeds = hunts
    .map((one) => (one.fault === undefined ? Number.POSITIVE_INFINITY : one.seeds))
    .sort((a, b) => a - b);
  const half = HUNTS / 2;
  const median = ((seeds[half - 1] as number) + (seeds[half] as number)) / 2;
  return { bug, median, hunts };
}

function tell({ bug, median, hunts }: Findings): string {
  const found = hunts.filter(({ fault }) => fault !== undefined);
  const checkers = [...new Set(found.map(({ fault }) => fault?.checker))].join(", ");
  return `${bug.name}: median ${median} seeds, found in ${found.length} of ${hunts.length} hunts by ${checkers}`;
}

test("every planted bug is found, in a bounded number of seeds", { timeout: TIMEOUT_MS }, async (context) => {
  const waiting = [...PLANTED_BUGS, ...NOTIFICATION_BUGS, ...BOARD_BUGS];
  const findings: Findings[] = [];
  const work = async (): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const found = await hunt(bug);
      context.diagnostic(tell(found));
      findings.push(found);
    }
  };
  await Promise.all(Array.from({ length: CHILDREN }, work));
  const slow = findings.filter(({ bug, median }) => median > bug.medianMax).map(tell);
  assert.deepEqual(slow, []);
  // It is the bug that was found: without it the same seed shows nothing.
  for (const { bug, hunts } of findings) {
    const first = hunts.find(({ fault }) => fault !== undefined) as Hunt;
    const { fault } = await runSeed(first.seed, { turn, focus: bug.focus });
    assert.equal(fault, undefined, `seed ${first.seed} fails without "${bug.name}", too`);
  }
});
