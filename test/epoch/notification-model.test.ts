import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NotificationTable } from "../../src/epoch/notification-table.ts";
import { firstSeed } from "../support/first-seed.ts";
import type { Asker } from "./notification-model.ts";
import { MANY } from "./notification-settings.ts";
import { EVENTS, runMany } from "./notification-steps.ts";

const SEED = firstSeed("DIDAFS_NOTIFICATIONS_SEED");
const RUNS = 5000;

test("long runs of several sessions on many queues lead to what a naive model expects", (context) => {
  context.diagnostic(`DIDAFS_NOTIFICATIONS_SEED=${SEED} repeats them`);
  const answers: Record<string, number> = {};
  fc.assert(
    fc.property(EVENTS, (events) => {
      const { tally } = runMany(new NotificationTable<Asker>(MANY.limits), events);
      for (const [kind, count] of Object.entries(tally)) answers[kind] = (answers[kind] ?? 0) + count;
    }),
    { numRuns: RUNS, seed: SEED },
  );
  context.diagnostic(
    Object.entries(answers)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", "),
  );
  for (const [kind, count] of Object.entries(answers)) assert.ok(count > RUNS / 20, `${kind}: ${count}`);
});
