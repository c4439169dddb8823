import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CHECK_MS } from "../../src/epoch/lock-table.ts";
import { explore } from "./lock-explorer.ts";
import { MUTANTS, openedTable } from "./lock-mutants.ts";
import { TICK_MS } from "./lock-run.ts";

/** Ranges that share one byte, and ranges that share none. */
const RANGES = {
  overlapping: [
    { at: 0, end: 10 },
    { at: 9, end: 19 },
  ],
  adjacent: [
    { at: 0, end: 10 },
    { at: 10, end: 20 },
  ],
};

/** Three sessions of two tasks each, and what is found with less in it sooner. */
const CASES = Object.entries(RANGES).flatMap(([name, ranges]) =>
  [
    { sessions: 2, waitsPerSession: 2 },
    { sessions: 3, waitsPerSession: 1 },
    { sessions: 3, waitsPerSession: 2 },
  ].map((how) => ({
    name: `${how.sessions} sessions, ${how.waitsPerSession} waits each, ${name}`,
    ranges,
    ...how,
  })),
);
/** Some visit some hundred thousand states. */
const TIMEOUT_MS = 600_000;

describe("the lock table, in every state", () => {
  assert.equal(TICK_MS, CHECK_MS);
  for (const { name, ...how } of CASES) {
    it(name, { timeout: TIMEOUT_MS }, async (context) => {
      const Table = await openedTable();
      const { states, transitions, depth } = explore({ table: () => new Table(), ...how });
      context.diagnostic(`${states} states, ${transitions} transitions, at most ${depth} events deep`);
      assert.ok(states > 1000);
    });
  }
});

// Of all states of two sessions, none taken for another; of three there are too many.
describe("states of the lock table that count as one go on alike", () => {
  for (const { name, ...how } of CASES.filter(({ sessions }) => sessions === 2)) {
    it(name, async (context) => {
      const Table = await openedTable();
      const table = () => new Table();
      const { states, kinds } = explore({ table, ...how, exactly: true });
      context.diagnostic(`${states} states are ${kinds} kinds`);
      assert.equal(kinds, explore({ table, ...how }).states);
    });
  }
});

describe("a lock table with a bug is found out", () => {
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, { timeout: TIMEOUT_MS }, async (context) => {
      const Broken = await openedTable(mutant);
      let found: unknown;
      for (const { name: _, ...how } of CASES.toSorted((one, other) => one.sessions - other.sessions)) {
        try {
          explore({ table: () => new Broken(), ...how });
        } catch (error) {
          found ??= error;
        }
        if (found !== undefined) break;
      }
      assert.ok(found !== undefined, "every state looks right");
      context.diagnostic(String(found).split("\n")[0] ?? "");
    });
  }
});
