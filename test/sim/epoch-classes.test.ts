/**
 * Seeds find, for each class of epochs that is weaker on one axis, an anomaly that it permits; the same seed with the stronger
 * class has none. Both runs are held against what the stronger one promises.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EpochClass } from "../../src/sim/checkers/epoch-history.ts";
import { checkEpochs } from "../../src/sim/checkers/epochs.ts";
import { checkWord, type WordOperation } from "../../src/sim/checkers/words.ts";
import type { EpochPlan, FaultRates, RunOptions } from "../../src/sim/run/options.ts";
import { type RunResult, runSeed } from "../../src/sim/run/run-seed.ts";
import type { BodySpan, EpochFile } from "../../src/sim/workloads/book.ts";
import { epochsOf } from "../../src/sim/workloads/epochs.ts";
import { turn } from "./turn.ts";

/** Most find one at the first seed. */
const SEEDS_MAX = 20;
const FIRST = Number(process.env.DIDAFS_EPOCH_CLASSES_SEED ?? 1);

/** @returns what is wrong by the rules of the stronger class, if anything */
type Judge = (file: EpochFile) => string | undefined;

interface Contrast {
  readonly name: string;
  readonly weaker: Partial<EpochPlan>;
  readonly stronger: Partial<EpochPlan>;
  readonly judge: Judge;
  /** Default: the weaker class permits what is found, and its own rules hold in the same run. */
  readonly weakerHolds?: Judge;
  readonly faults?: Partial<FaultRates>;
  readonly faultMs?: number;
}

function byEpochs(asked: EpochClass): Judge {
  return (file) => checkEpochs(epochsOf(file), asked)[0]?.text;
}

/** Of epochs with atomicity `all` that are said to take effect between their invocation and their return. */
function byWords(file: EpochFile): string | undefined {
  for (const [word, { operations }] of file.words.entries()) {
    const { kind } = checkWord([...operations, ...storesOf(file, word)]);
    assert.notEqual(kind, "undecided");
    if (kind === "violated") return `word ${word} has no order of its loads and stores`;
  }
  return undefined;
}

/** What an epoch did not wait for was in place when it was closed, or never is. */
function byClosedWrites({ epochs, words }: EpochFile): string | undefined {
  const closed = new Map<number, number>();
  for (const { outcome, returned, steps } of epochs) {
    if (outcome !== "committed") continue;
    for (const step of steps) if (step.op === "write") closed.set(step.value, returned);
  }
  for (const [word, { operations }] of words.entries()) {
    const seen = new Set(operations.map(({ output }) => output));
    const settled = operations.map((one): WordOperation => {
      const { input, outcome } = one;
      const returned = input.op === "store" ? closed.get(input.value) : undefined;
      if (input.op !== "store" || outcome !== "unknown" || returned === undefined) return one;
      const known = seen.has(input.value) ? "done" : "not done";
      return { ...one, returned, outcome: known, output: null };
    });
    const { kind } = checkWord(settled);
    assert.notEqual(kind, "undecided");
    if (kind === "violated") return `a store to word ${word} came after the close of its epoch`;
  }
  return undefined;
}

/** Of two bodies that ran at the same time at least one has locked nothing that excludes the other. */
function byBodies(areExclusive: (one: BodySpan, other: BodySpan) => boolean): Judge {
  return ({ bodies }) => {
    for (const [at, one] of bodies.entries()) {
      // They are in the order of their beginning.
      const beside = bodies
        .slice(at + 1)
        .find((other) => other.began < one.ended && areExclusive(one, other));
      if (beside === undefined) continue;
      const [first, second] = [one, beside].map(
        ({ client, writes }) => `${client} (${writes ? "writes" : "reads"})`,
      );
      return `the bodies of ${first} and ${second} ran at the same time`;
    }
    return undefined;
  };
}

function all(...judges: readonly Judge[]): Judge {
  return (file) => judges.map((judge) => judge(file)).find((fault) => fault !== undefined);
}

/** Each epoch's last write to a word. */
function storesOf({ epochs, plan }: EpochFile, word: number): WordOperation[] {
  if (plan.atomicity === "none") return [];
  return epochs.flatMap(({ client, invoked, returned, outcome, steps }) => {
    const written = steps.findLast(({ op, key }) => op === "write" && key === `word ${word}`);
    if (written?.op !== "write") return [];
    const known = outcome === "committed" ? "done" : outcome === "aborted" ? "not done" : "unknown";
    const input = { op: "store", value: written.value, window: client } as const;
    return [{ client, input, invoked, returned, outcome: known, output: null }];
  });
}

const UNISOLATED = {
  atomicity: "all",
  isolation: "none",
  consistency: "release",
  durability: "memory",
} as const;
const PLAIN = { ...UNISOLATED, atomicity: "none" } as const;
const LOCKED = { ...UNISOLATED, isolation: "exclusive" } as const;

const CONTRASTS: readonly Contrast[] = [
  {
    name: "isolation none is not serializable",
    weaker: UNISOLATED,
    stronger: { ...UNISOLATED, isolation: "serializable" },
    judge: byEpochs({ isolation: "serializable", consistency: "release" }),
    weakerHolds: byEpochs({ isolation: "none", consistency: "release" }),
  },
  {
    name: "isolation none is not exclusive",
    weaker: UNISOLATED,
    stronger: { ...UNISOLATED, isolation: "exclusive" },
    judge: byEpochs({ isolation: "exclusive", consistency: "release" }),
    weakerHolds: byEpochs({ isolation: "none", consistency: "release" }),
  },
  {
    name: "isolation none is not shared: whoever reads without a lock, beside those that write with one",
    weaker: { ...LOCKED, readers: "none" },
    stronger: LOCKED,
    judge: byEpochs({ isolation: "shared", consistency: "release" }),
    weakerHolds: byEpochs({ isolation: "none", consistency: "release" }),
  },
  {
    // They only read: what they read tells no difference.
    name: "isolation shared is not exclusive: bodies that only read run at the same time",
    weaker: LOCKED,
    stronger: { ...LOCKED, readers: "exclusive" },
    judge: byBodies(() => true),
    weakerHolds: all(
      byBodies((one, other) => one.writes || other.writes),
      byEpochs({ isolation: "shared", consistency: "release" }),
    ),
  },
  {
    name: "isolation exclusive is not serializable: somebody who does not lock writes in between",
    weaker: { ...LOCKED, unlocked: true },
    stronger: { ...LOCKED, isolation: "serializable", unlocked: true },
    judge: byEpochs({ isolation: "serializable", consistency: "release" }),
    weakerHolds: byEpochs({ isolation: "none", consistency: "release" }),
  },
  {
    name: "atomicity none is not all",
    weaker: PLAIN,
    stronger: UNISOLATED,
    judge: byEpochs({ isolation: "none", consistency: "release" }),
    weakerHolds: byWords,
  },
  {
    name: "consistency relaxed is not release",
    weaker: { ...UNISOLATED, consistency: "relaxed", looks: true },
    stronger: { ...UNISOLATED, looks: true },
    judge: byWords,
    weakerHolds: byEpochs({ isolation: "none", consistency: "relaxed" }),
  },
  {
    name: "consistency release is not sequential",
    weaker: { ...PLAIN, judgedAs: "sequential" },
    stronger: { ...PLAIN, consistency: "sequential" },
    judge: byWords,
  },
  {
    // Only of this class are the two not the same; and of what had its answer both keep all.
    name: "durability none is not memory: a write that nobody waited for comes after the close",
    weaker: { ...PLAIN, consistency: "relaxed", durability: "none", looks: true, patienceMs: 1 },
    stronger: { ...PLAIN, consistency: "relaxed", looks: true, patienceMs: 1 },
    judge: byClosedWrites,
    weakerHolds: byWords,
  },
  {
    name: "durability memory is not stable",
    weaker: { ...UNISOLATED, isolation: "serializable" },
    stronger: { ...UNISOLATED, isolation: "serializable", durability: "stable" },
    judge: byEpochs({ isolation: "serializable", consistency: "release" }),
    faults: { losePower: 20 },
    faultMs: 12_000,
  },
];

/** @returns what the judges say, of one run */
async function run(
  seed: number,
  asked: Partial<EpochPlan>,
  { faults = {}, faultMs = 4000 }: Contrast,
  judges: readonly Judge[],
): Promise<(string | undefined)[]> {
  let verdicts: (string | undefined)[] = [];
  const change = (drawn: RunOptions): RunOptions => {
    const none = Object.fromEntries(Object.keys(drawn.faults).map((kind) => [kind, 0]));
    const epochFiles = drawn.work.epochFiles.map((plan) => ({ ...plan, ...asked }));
    return {
      ...drawn,
      faultMs,
      faults: { ...(none as unknown as FaultRates), ...faults },
      lossRateAfterFlush: faults.losePower === undefined ? 0 : drawn.lossRateAfterFlush,
      work: { ...drawn.work, epochFiles, pauseMs: 50 },
    };
  };
  const result: RunResult = await runSeed(seed, {
    turn,
    focus: "epochs",
    change,
    check: ({ epochFiles }) => {
      const [file] = epochFiles as [EpochFile];
      assert.ok(file.epochs.length > 50, `seed ${seed}: only ${file.epochs.length} epochs`);
      verdicts = judges.map((judge) => judge(file));
      return 0;
    },
  });
  assert.equal(result.fault, undefined, `seed ${seed}: ${result.fault?.message}`);
  return verdicts;
}

for (const contrast of CONTRASTS) {
  test(contrast.name, { timeout: 240_000 }, async (context) => {
    const { weaker, stronger, judge, weakerHolds = () => undefined } = contrast;
    for (let seed = FIRST; seed < FIRST + SEEDS_MAX; seed += 1) {
      const [anomaly, own] = await run(seed, weaker, contrast, [judge, weakerHolds]);
      assert.equal(own, undefined, `seed ${seed}, what the weaker class promises itself`);
      if (anomaly === undefined) continue;
      context.diagnostic(`found at seed ${seed}: ${anomaly.slice(0, 400)}`);
      assert.deepEqual(await run(seed, stronger, contrast, [judge]), [undefined], `seed ${seed}`);
      return;
    }
    assert.fail(`none of ${SEEDS_MAX} seeds from ${FIRST} on shows an anomaly that is permitted`);
  });
}
