/** Atomic commit at two workers, in every state that messages, syncs, silence and one crash can bring about. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EpochTable } from "../../src/epoch/epoch-table.ts";
import { exploreCommits } from "./commit-explorer.ts";
import { MUTANTS, mutantTable } from "./commit-mutants.ts";
import type { Workload } from "./commit-world.ts";

/** Reads and writes a line at each worker: two of these lose an update of the other, if they may. */
const UPDATE: Workload = { reads: [[1], [2]], writes: [[1], [2]], decider: 0 };
/** The same at one worker only, where it is committed by one message. */
const ALONE: Workload = { reads: [[1], []], writes: [[1], []], decider: 0 };
/** Each reads at one worker what the other one writes. */
const SKEW: readonly Workload[] = [
  { reads: [[1], []], writes: [[], [2]], decider: 0 },
  { reads: [[], [2]], writes: [[1], []], decider: 0 },
];

/** Only looks: what it has seen must have been there together. */
const READER: Workload = { reads: [[1], [2]], writes: [[], []], decider: 0 };

const CASES = {
  "one epoch, and somebody is silent or crashes": { workloads: [UPDATE], crashes: true, ticks: true },
  "two updates of the same lines": {
    workloads: [UPDATE, { ...UPDATE, decider: 1 }],
    crashes: false,
    ticks: false,
  },
  "two that skew": { workloads: SKEW, crashes: false, ticks: false },
  "one at both workers and one at one of them, and somebody crashes": {
    workloads: [UPDATE, ALONE],
    crashes: true,
    ticks: false,
  },
  "one that only reads beside one at both workers, and somebody crashes": {
    workloads: [UPDATE, READER],
    crashes: true,
    ticks: false,
  },
  "one that only reads beside one at each of the workers": {
    workloads: [READER, ALONE, { reads: [[], [2]], writes: [[], [2]], decider: 1 }],
    crashes: true,
    ticks: false,
  },
  "two that skew, and somebody crashes": { workloads: SKEW, crashes: true, ticks: false },
  "two updates of the same lines, and somebody crashes": {
    workloads: [UPDATE, { ...UPDATE, decider: 1 }],
    crashes: true,
    ticks: false,
  },
};

/** Some visit some hundred thousand states. */
const TIMEOUT_MS = 600_000;

describe("atomic commit, in every state", () => {
  for (const [name, how] of Object.entries(CASES)) {
    it(name, { timeout: TIMEOUT_MS }, (context) => {
      const create = (parts: ConstructorParameters<typeof EpochTable>[0]) =>
        new EpochTable<never, never>(parts);
      const { states, transitions } = exploreCommits({ create, ...how });
      context.diagnostic(`${states} states, ${transitions} transitions`);
      assert.ok(states > 10_000);
    });
  }
});

describe("atomic commit with a bug is found out", () => {
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, { timeout: TIMEOUT_MS }, async (context) => {
      const Broken = await mutantTable(mutant);
      let found: unknown;
      for (const how of Object.values(CASES)) {
        try {
          exploreCommits({ create: (parts) => new Broken(parts), ...how });
        } catch (error) {
          found = error;
          break;
        }
      }
      assert.ok(found !== undefined, "every state looks right");
      context.diagnostic(String(found).split("\n")[0] ?? "");
    });
  }
});
