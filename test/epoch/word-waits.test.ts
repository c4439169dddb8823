/** Waits for words, in every state that two waiters and writes to two words can bring about; longer runs; and bugs in them. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { WordWaits } from "../../src/epoch/word-waits.ts";
import { firstSeed } from "../support/first-seed.ts";
import { assertFoundOut } from "./found-out.ts";
import type { Asker } from "./word-model.ts";
import { MUTANTS, mutantWaits } from "./word-mutants.ts";
import type { Setting } from "./word-run.ts";
import { CASES, EVENTS, explore, runMany } from "./word-settings.ts";

const SEED = firstSeed("DIDAFS_WORDS_SEED");
const RUNS = 2000;
/** Finds the same in each run. */
const MUTANT_RUNS = { numRuns: 300, seed: 7, endOnFailure: true };

const table: Setting["table"] = (read, limits) => new WordWaits<Asker>(read, limits);

describe("waits for words, in every state", () => {
  for (const [name, how] of Object.entries(CASES)) {
    it(name, (context) => {
      const { states, transitions, depth } = explore(how, table);
      context.diagnostic(`${states} states, ${transitions} transitions, at most ${depth} events deep`);
      assert.ok(states > 500);
    });
  }
});

test("long runs of several sessions on words of two regions lead to what a naive model expects", (context) => {
  context.diagnostic(`DIDAFS_WORDS_SEED=${SEED} repeats them`);
  const answers: Record<string, number> = {};
  fc.assert(
    fc.property(EVENTS, (events) => {
      const tally = runMany(table, events);
      for (const [kind, count] of Object.entries(tally)) answers[kind] = (answers[kind] ?? 0) + count;
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const told = Object.entries(answers).map(([kind, count]) => `${count} ${kind}`);
  context.diagnostic(told.join(", "));
  for (const [kind, count] of Object.entries(answers)) assert.ok(count > RUNS / 20, `${kind}: ${count}`);
});

describe("waits for words with a bug are found out", () => {
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, async (context) => {
      const Broken = await mutantWaits(mutant);
      const broken: Setting["table"] = (read, limits) => new Broken(read, limits);
      const runs = fc.property(EVENTS, (events) => {
        runMany(broken, events);
      });
      const searches = Object.values(CASES).map((how) => () => {
        explore(how, broken);
      });
      // Before those that take a second.
      assertFoundOut(context, [() => fc.assert(runs, MUTANT_RUNS), ...searches]);
    });
  }
});
