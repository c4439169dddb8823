import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailure, describeSummary, runSeeds } from "../../src/sim/run/campaign.ts";
import { drawOptions } from "../../src/sim/run/options.ts";
import type { RunResult } from "../../src/sim/run/run-seed.ts";
import { turn } from "./turn.ts";

const FIRST = 5;
const SEEDS = 2;

test("a campaign counts losses of power, and of a seed that fails says all that was drawn", async () => {
  const results: RunResult[] = [];
  const summary = await runSeeds(FIRST, SEEDS, {
    turn,
    focus: "epochs",
    stopping: () => false,
    // Where nothing is wrong it says that something is.
    check: (book) => {
      book.fail("words", "a checker says so");
      return 0;
    },
    ended: (result) => results.push(result),
  });
  assert.equal(summary.failures.length, SEEDS);
  for (const [i, failure] of summary.failures.entries()) {
    const told = describeFailure(failure);
    assert.match(told, new RegExp(`^seed ${FIRST + i}: words, at .* s: a checker says so\n`));
    assert.ok(told.endsWith(JSON.stringify(drawOptions(FIRST + i, "epochs"))));
  }
  const { losses, unsynced, lost, torn, reordered } = summary.powerLosses;
  assert.equal(
    losses,
    results.reduce((sum, { powerLosses }) => sum + powerLosses.losses, 0),
  );
  assert.ok(losses > 0 && losses >= unsynced && unsynced >= lost && lost >= Math.max(torn, reordered));
  assert.ok(describeSummary(summary).includes(`${losses} losses of power, ${unsynced} with bytes`));
});
