/** Notification queues, in every state that two producers, a consumer and one crash can bring about; and bugs in them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NotificationTable } from "../../src/epoch/notification-table.ts";
import { assertFoundOut } from "./found-out.ts";
import { explore } from "./notification-explorer.ts";
import type { Asker } from "./notification-model.ts";
import { MUTANTS, mutantTable } from "./notification-mutants.ts";
import { CASES, MANY } from "./notification-settings.ts";
import { EVENTS, runMany } from "./notification-steps.ts";

/** Finds the same in each run. */
const MUTANT_RUNS = { numRuns: 300, seed: 7, endOnFailure: true };

describe("notification queues, in every state", () => {
  for (const [name, how] of Object.entries(CASES)) {
    it(name, (context) => {
      const table = () => new NotificationTable<Asker>(how.limits);
      const { states, transitions, depth } = explore({ ...how, table });
      context.diagnostic(`${states} states, ${transitions} transitions, at most ${depth} events deep`);
      assert.ok(states > 500);
    });
  }
});

describe("notification queues with a bug are found out", () => {
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, async (context) => {
      const Broken = await mutantTable(mutant);
      const searches = Object.values(CASES).map((how) => () => {
        explore({ ...how, table: () => new Broken(how.limits) });
      });
      const runs = fc.property(EVENTS, (events) => {
        runMany(new Broken(MANY.limits), events);
      });
      // Before those that take seconds.
      searches.splice(1, 0, () => fc.assert(runs, MUTANT_RUNS));
      assertFoundOut(context, searches);
    });
  }
});
