/** Groups, in every state that three sessions and one crash can bring about; longer runs of more; and bugs in them. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { GroupTable } from "../../src/epoch/group-table.ts";
import { firstSeed } from "../support/first-seed.ts";
import { assertFoundOut } from "./found-out.ts";
import type { Asker } from "./group-model.ts";
import { MUTANTS, mutantTable } from "./group-mutants.ts";
import { CASES, EVENTS, explore, MANY, runMany } from "./group-settings.ts";

const SEED = firstSeed("DIDAFS_GROUPS_SEED");
const RUNS = 2000;
/** Finds the same in each run. */
const MUTANT_RUNS = { numRuns: 300, seed: 7, endOnFailure: true };

describe("groups, in every state", () => {
  for (const [name, how] of Object.entries(CASES)) {
    it(name, (context) => {
      const { states, transitions, depth } = explore(how, () => new GroupTable<Asker>(how.limits));
      context.diagnostic(`${states} states, ${transitions} transitions, at most ${depth} events deep`);
      assert.ok(states > 100);
    });
  }
});

test("long runs of several sessions in many groups lead to what a naive model expects", (context) => {
  context.diagnostic(`DIDAFS_GROUPS_SEED=${SEED} repeats them`);
  const answers: Record<string, number> = {};
  fc.assert(
    fc.property(EVENTS, (events) => {
      const tally = runMany(new GroupTable<Asker>(MANY), events);
      for (const [kind, count] of Object.entries(tally)) answers[kind] = (answers[kind] ?? 0) + count;
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const told = Object.entries(answers).map(([kind, count]) => `${count} ${kind}`);
  context.diagnostic(told.join(", "));
  for (const [kind, count] of Object.entries(answers)) assert.ok(count > RUNS / 20, `${kind}: ${count}`);
});

describe("groups with a bug are found out", () => {
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, async (context) => {
      const Broken = await mutantTable(mutant);
      const runs = fc.property(EVENTS, (events) => {
        runMany(new Broken(MANY), events);
      });
      const [first, ...others] = Object.values(CASES).map((how) => () => {
        explore(how, () => new Broken(how.limits));
      });
      assertFoundOut(context, [first as () => void, () => fc.assert(runs, MUTANT_RUNS), ...others]);
    });
  }
});
