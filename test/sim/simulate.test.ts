/** Some minutes of simulation, of new seeds with each change of the sources, and of the same for the same sources. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailure, describeSummary, runSeeds } from "../../src/sim/run/campaign.ts";
import { firstSeed } from "../support/first-seed.ts";
import { turn } from "./turn.ts";

/** Beyond it no seed is begun. */
const SECONDS = Number(process.env.DIDAFS_SIMULATE_SECONDS ?? 180);
const FIRST = firstSeed("DIDAFS_SIMULATE_SEED");

test("whole clusters stand whatever the seeds do to them", {
  timeout: SECONDS * 1000 + 300_000,
}, async (context) => {
  context.diagnostic(`seeds from ${FIRST} on; repeat with: npm run simulate -- --seed ${FIRST}`);
  const untilMs = performance.now() + SECONDS * 1000;
  const summary = await runSeeds(FIRST, Number.POSITIVE_INFINITY, {
    turn,
    stopping: () => performance.now() > untilMs,
  });
  context.diagnostic(describeSummary(summary));
  // Each by itself: of a long difference not all is shown.
  for (const failure of summary.failures) context.diagnostic(describeFailure(failure));
  assert.deepEqual(summary.failures.map(describeFailure), []);
  assert.ok(summary.seeds > 0 && summary.operations > 0 && summary.faults > 0, "something was done");
  assert.ok(
    summary.powerLosses.losses > 0 && summary.powerLosses.lost > 0,
    "power was lost, and bytes with it",
  );
});
