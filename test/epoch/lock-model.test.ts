import { test } from "node:test";
import fc from "fast-check";
import { LockTable } from "../../src/epoch/lock-table.ts";
import { type Event, LockRun, type Mirrored } from "./lock-run.ts";

const SESSIONS = 4;
/** Some inside others, some side by side, some far away. */
const RANGES = [
  { at: 0, end: 4 },
  { at: 2, end: 8 },
  { at: 3, end: 4 },
  { at: 8, end: 9 },
  { at: 0, end: 100 },
  { at: 200, end: 2 ** 40 },
];

const session = fc.nat(SESSIONS - 1);
const range = fc.nat(RANGES.length - 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      session,
      range,
      exclusive: fc.boolean(),
      waitTicks: fc.nat(5),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("release" as const), session, range }) },
  { weight: 2, arbitrary: fc.constant({ kind: "tick" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "forget" as const), session }),
  },
);

test("long runs of several sessions on many ranges obey the same rules as a naive model", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const run = new LockRun(new LockTable<Mirrored>(), RANGES, false);
      for (const next of events) if (isPossible(run, next)) run.apply(next);
      run.finish();
    }),
    { numRuns: 1500 },
  );
});

function isPossible(run: LockRun, next: Event): boolean {
  if (next.kind === "tick") return true;
  const forgotten = run.crashed.get(next.session);
  if (next.kind === "forget") return forgotten === false;
  if (forgotten !== undefined) return false;
  return next.kind !== "ask" || run.find(next.session, next.range) === undefined;
}
