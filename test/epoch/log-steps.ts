import fc from "fast-check";
import { RECORD_HEAD_BYTES } from "../../src/structs/epoch-log-record.ts";
import type { Flip } from "./log-damage.ts";
import { type LogClass, LogRun, type Step } from "./log-run.ts";
import type { LossTally } from "./loss-tally.ts";

/** A lap of so many bytes is often made of records that lie where those of the last lap did. */
const RINGS = [2048, 2560, 4096, 1000] as const;
const RECORDS = [256, 512, 1024, 512, 128, 64, RECORD_HEAD_BYTES, 333, 600, 77] as const;

const bodyBytes = fc.constantFrom(...RECORDS).map((bytes) => bytes - RECORD_HEAD_BYTES);
const tag = fc.nat(2);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const damaged = fc.option(fc.nat(1), { nil: undefined, freq: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("append" as const), bodyBytes, tag }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("tornAppend" as const), bodyBytes, tag }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("beginSync" as const, "endSync" as const) }) },
  { weight: 4, arbitrary: fc.constant({ kind: "settle" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "writeBack" as const }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("advance" as const), share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), damaged }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("losePower" as const), damaged }) },
);

/** Records, and losses of power between their write and their sync. */
const stepToLoss: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("append" as const), bodyBytes, tag }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("beginSync" as const, "endSync" as const) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "writeBack" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("advance" as const), share }) },
);
/** A life: the log is opened, most of it given up, used, and in the end the power is lost. */
const life: fc.Arbitrary<Step[]> = fc
  .tuple(share, fc.array(stepToLoss, { minLength: 2, maxLength: 8, size: "max" }))
  .map(([kept, steps]) => [
    { kind: "settle" },
    { kind: "advance", share: 1 - kept / 4 },
    { kind: "settle" },
    ...steps,
    { kind: "losePower", damaged: undefined },
  ]);

const flip: fc.Arbitrary<Flip> = fc.record({
  at: fc.nat(),
  bit: fc.nat(7),
  record: fc.option(fc.nat(), { nil: undefined }),
});

/** So few that a checksum finds them surely, or nearly so. */
export const FLIPS: fc.Arbitrary<Flip[]> = fc.array(flip, { minLength: 1, maxLength: 3 });
export const BODY_BYTES: fc.Arbitrary<number> = bodyBytes;

/** Ring, seed of what the drive does, and what happens. */
export const RUNS: fc.Arbitrary<[ringBytes: number, seed: number, steps: Step[]]> = fc.tuple(
  fc.constantFrom(...RINGS),
  fc.integer(),
  fc.array(step, { minLength: 10, maxLength: 200, size: "max" }),
);

/** The same, of so many lives that each end by a loss of power. */
export function livesOf(count: number): fc.Arbitrary<[ringBytes: number, seed: number, steps: Step[]]> {
  const lives = fc.array(life, { minLength: count, maxLength: count, size: "max" });
  return fc.tuple(
    fc.constantFrom(...RINGS),
    fc.integer(),
    lives.map((all) => all.flat()),
  );
}

export function runOf(
  Log: LogClass,
  ringBytes: number,
  seed: number,
  steps: readonly Step[],
  tally?: LossTally,
): LogRun {
  const run = new LogRun(Log, ringBytes, seed, tally);
  for (const next of steps) run.apply(next);
  return run;
}
