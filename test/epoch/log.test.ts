/** The epoch log, on drives that lose what was not synced, tear it by sectors, and change bits. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { EpochLog, NO_ROOM } from "../../src/epoch/log.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { EPOCH_LOG_HEADER_BYTES, encodeEpochLogHeader } from "../../src/structs/epoch-log-header.ts";
import { firstSeed } from "../support/first-seed.ts";
import { openDamaged } from "./log-damage.ts";
import { tryMixtures } from "./log-mixtures.ts";
import { MUTANTS, mutantLog } from "./log-mutants.ts";
import { LOG_RULES } from "./log-rules.ts";
import { bodyOf, type Entry, entryOf, type LogClass, recovered, SECRET, settle } from "./log-run.ts";
import { BODY_BYTES, FLIPS, livesOf, RUNS, runOf } from "./log-steps.ts";
import { LossTally } from "./loss-tally.ts";

const LOSSES = 10_000;
/** One behind the other on one log, each of which ends by a loss. */
const LIVES = 25;
/** Finds the same in each run. */
const MUTANT_RUNS = { numRuns: 300, seed: 7, endOnFailure: true };

const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

function newLog(ringBytes: number): { log: EpochLog; bytes: Uint8Array } {
  const bytes = new Uint8Array(EPOCH_LOG_HEADER_BYTES + ringBytes);
  const log = new EpochLog(bytes, "log", SECRET);
  assert.deepEqual(recovered(log), []);
  settle(log);
  return { log, bytes };
}

test("golden bytes of a record", () => {
  const { log, bytes } = newLog(64);
  log.append(1, []);
  log.advance(24);
  settle(log);
  log.append(0x0203, [new Uint8Array([1, 2]), new Uint8Array(), new Uint8Array([3])]);
  assert.equal(
    Buffer.from(bytes.subarray(EPOCH_LOG_HEADER_BYTES)).toString("hex"),
    [
      "1800000035c5d995", // 24 bytes, checksum
      "0000000000000000", // position 0
      "0100000001000000", // life 1, kind 1
      "1b000000e655be4d", // 27 bytes, checksum
      "1800000000000000", // position 24
      "0100000003020000", // life 1, kind 0x0203
      "0102030000000000", // body, zeros up to the next unit
      "0000000000000000",
    ].join(""),
  );
});

describe("the epoch log", () => {
  for (const [name, rule] of Object.entries(LOG_RULES)) it(name, () => rule(EpochLog));
});

test("what was appended is there when the log is opened again, over many laps", () => {
  const ringBytes = 2048;
  const sizes = fc.array(fc.tuple(fc.nat(700), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 50,
    maxLength: 100,
    size: "max",
  });
  let laps = 0;
  fc.assert(
    fc.property(sizes, (all) => {
      const { log, bytes } = newLog(ringBytes);
      let kept: Entry[] = [];
      for (const [i, [bodyBytes, share]] of all.entries()) {
        const body = bodyOf(bodyBytes, i);
        if (bodyBytes > log.roomBytes) {
          assert.equal(log.append(i, [body]), NO_ROOM);
          kept = kept.slice(Math.ceil(share * kept.length));
          log.advance(kept[0]?.position ?? log.end);
          settle(log);
          if (bodyBytes > log.roomBytes) continue;
        }
        kept.push(entryOf(log, i, body));
        assert.equal(log.append(i, [body.subarray(0, 5), body.subarray(5)]), kept.at(-1)?.end);
        assert.deepEqual(recovered(new EpochLog(bytes.slice(), "log", 0)), kept);
      }
      laps += log.end / ringBytes;
    }),
    { numRuns: 100 },
  );
  assert.ok(laps > 100);
});

test("after each loss of power and each crash, what was durable is there, and behind it what was appended", (context) => {
  let crashes = 0;
  let laps = 0;
  fc.assert(
    fc.property(RUNS, ([ringBytes, seed, steps]) => {
      const run = runOf(EpochLog, ringBytes, seed, steps);
      crashes += run.crashes;
      laps += run.log.end / ringBytes;
    }),
    { numRuns: 400 },
  );
  context.diagnostic(`${crashes} crashes, ${Math.round(laps)} laps`);
});

test("10,000 losses of power, most of them between a write and its sync", (context) => {
  const seed = firstSeed("DIDAFS_LOSSES_SEED");
  context.diagnostic(`DIDAFS_LOSSES_SEED=${seed} repeats them`);
  const tally = new LossTally();
  fc.assert(
    fc.property(livesOf(LIVES), ([ringBytes, from, steps]) => {
      runOf(EpochLog, ringBytes, from, steps, tally);
    }),
    { numRuns: LOSSES / LIVES, seed },
  );
  context.diagnostic(tally.describe());
  assert.ok(tally.losses >= LOSSES);
  assert.ok(tally.unsynced >= 0.9 * tally.losses);
  for (const what of ["lost", "torn", "reordered"] as const) assert.ok(tally[what] >= 1000, what);
});

test("every mixture of sectors that two losses of power can leave", (context) => {
  for (const laps of [0, 1, 2]) {
    context.diagnostic(`${tryMixtures(EpochLog, laps)} mixtures on ${laps} laps`);
  }
});

const DAMAGED = fc.tuple(RUNS, fc.array(FLIPS, { minLength: 20, maxLength: 20 }), BODY_BYTES);

function tryDamage(
  Log: LogClass,
  options: { numRuns: number; seed?: number; endOnFailure?: boolean },
): Map<string, number> {
  const outcomes = new Map<string, number>();
  const property = fc.property(DAMAGED, ([[ringBytes, seed, steps], all, bodyBytes]) => {
    const run = runOf(Log, ringBytes, seed, steps);
    for (const flips of all) {
      const outcome = openDamaged(run, flips, bodyBytes);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  });
  fc.assert(property, options);
  return outcomes;
}

test("bits that have changed lead to an error or a shorter log", (context) => {
  const outcomes = tryDamage(EpochLog, { numRuns: 150 });
  context.diagnostic([...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(", "));
  for (const outcome of ["whole", "shorter", "ERR_CORRUPT"]) assert.ok((outcomes.get(outcome) ?? 0) > 0);
});

test("whatever the ring has, there are records of ours in it or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), fc.nat(64), (ring, lifeStart) => {
      const bytes = new Uint8Array(EPOCH_LOG_HEADER_BYTES + ring.length);
      const header = { ringBytes: ring.length, start: 0, lifeStart: lifeStart * 8, life: 2, secret: 0 };
      encodeEpochLogHeader(bytes, "log", { ...header, sequence: 1 });
      bytes.set(ring, EPOCH_LOG_HEADER_BYTES);
      const read = (): unknown => recovered(new EpochLog(bytes, "log", 0));
      if (lifeStart === 0) assert.deepEqual(read(), []);
      else assert.throws(read, isCorrupt);
    }),
  );
});

test("an object that cannot hold its ring is refused; a longer one is none the worse", () => {
  const { bytes } = newLog(512);
  assert.throws(() => new EpochLog(bytes.subarray(0, -8), "log", 0), isCorrupt);
  assert.throws(() => new EpochLog(new Uint8Array(EPOCH_LOG_HEADER_BYTES), "log", 0), isCorrupt);
  assert.throws(() => new EpochLog(new Uint8Array(EPOCH_LOG_HEADER_BYTES + 12), "log", 0), isCorrupt);
  const longer = new Uint8Array(bytes.length + 100);
  longer.set(bytes);
  const log = new EpochLog(longer, "log", 0);
  assert.deepEqual(recovered(log), []);
  assert.equal(log.roomBytes, 512 - 24);
});

describe("a log with a bug is found out", () => {
  const searches: Readonly<Record<string, (Log: LogClass) => void>> = {
    rules: (Log) => {
      for (const rule of Object.values(LOG_RULES)) rule(Log);
    },
    mixtures: (Log) => {
      for (const laps of [0, 1]) tryMixtures(Log, laps);
    },
    damage: (Log) => {
      tryDamage(Log, { ...MUTANT_RUNS, numRuns: 30 });
    },
    runs: (Log) =>
      fc.assert(
        fc.property(RUNS, ([ringBytes, seed, steps]) => {
          runOf(Log, ringBytes, seed, steps);
        }),
        MUTANT_RUNS,
      ),
  };
  for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(mutant, async (context) => {
      const Broken = await mutantLog(mutant);
      const found = Object.entries(searches).find(([, search]) => {
        try {
          search(Broken);
          return false;
        } catch {
          return true;
        }
      });
      assert.ok(found !== undefined, "everything looks right");
      context.diagnostic(`by ${found[0]}`);
    });
  }
});
