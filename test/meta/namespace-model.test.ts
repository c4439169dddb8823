import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type EngineHome, LmdbHome, SimHome } from "./engine-homes.ts";
import { type Command, runs } from "./namespace-commands.ts";
import { NamespaceRun } from "./namespace-run.ts";
import { countsNoNames, forgetsOrphans, forgetsRegions, losesTheLast } from "./planted-bugs.ts";

/**
 * Parameters of fast-check as JSON: `DIDAFS_MODEL='{"numRuns":5000}'` for more runs, or the seed and path that a
 * failure printed, to repeat it.
 */
const PARAMETERS = JSON.parse(process.env.DIDAFS_MODEL ?? "{}") as fc.Parameters<unknown>;

type MakeHome = (seed: number) => EngineHome;

async function follow(home: EngineHome, seed: number, commands: readonly Command[]): Promise<void> {
  const run = await NamespaceRun.start(home, seed);
  try {
    for (const command of commands) await run.do(command);
    await run.check();
  } finally {
    await run.end();
  }
}

function agrees(makeHome: MakeHome) {
  return fc.asyncProperty(runs, ({ seed, commands }) => follow(makeHome(seed), seed, commands));
}

describe("a namespace agrees with its model, whatever is done to it", () => {
  const engines: [string, number, MakeHome][] = [
    ["simulated engine", 200, (seed) => new SimHome(seed)],
    ["LMDB", 60, () => new LmdbHome()],
  ];
  for (const [name, numRuns, makeHome] of engines) {
    test(name, () => fc.assert(agrees(makeHome), { numRuns, ...(PARAMETERS as object) }));
  }
});

describe("the model finds", () => {
  const bugs: [string, MakeHome][] = [
    ["a count of names that does not change", countsNoNames],
    ["a file that stays for ever once it was removed while it was open", forgetsOrphans],
    ["regions that nobody has removed", forgetsRegions],
    ["a crash that takes an answered transaction with it", losesTheLast],
  ];
  for (const [name, makeHome] of bugs) {
    test(name, async () => {
      const found = await fc.check(agrees(makeHome), { numRuns: 300, endOnFailure: true });
      const [run] = found.counterexample ?? assert.fail("nothing was found");
      // It is the bug that is found: without it the same run agrees.
      await follow(new SimHome(run.seed), run.seed, run.commands);
    });
  }
});
