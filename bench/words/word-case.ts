/** Cases that read or write words of 8 bytes: what each has to bring, and the rounds around it. */
import { type Case, type CaseSetup, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import { type Round, roundOf } from "../harness/messages.ts";
import { timingOf } from "../harness/statistics.ts";
import { fillPattern, hashOf, patternBytes, patternSum } from "./pattern.ts";
import { type Extent, runPromises, runSync, type Stretch } from "./timing-loop.ts";

/** Whether words are read or written. */
export type Moves = "get" | "put";

/** How a row goes through its words. */
export interface Working {
  /** Words of 8 bytes that are visited in order, in circles; a power of two. */
  readonly words: number;
  /** Operations that are timed together. */
  readonly batchOps: number;
}

/** For people. */
export function describeWorking({ words, batchOps }: Working): string {
  const percentiles = batchOps === 1 ? "of single operations" : `over batches of ${batchOps} operations`;
  return `working set ${words / 128} KiB (${words} words in order); percentiles ${percentiles}`;
}

export interface WordSetup extends CaseSetup {
  readonly words: number;
  /** The words: what gets find, and what puts write. Holds other words before each round of puts. */
  readonly pattern: Int32Array;
}

interface CommonCase {
  /**
   * The words as they are now, for the hash. Gets read every word by the very operation that is measured; puts are read
   * back by another way, so that bytes that never left do not pass.
   */
  bytes(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Operations that return when they are done. */
export interface SyncCase extends CommonCase {
  /**
   * Runs `count` operations from word number `word` on. Holds its own loop, so that no call of the harness lies between
   * two operations. @returns the sum of the low halves that were read; of puts, anything
   */
  batch(word: number, count: number): number;
}

/** Operations that are awaited. */
export interface PromiseCase extends CommonCase {
  /** Starts the operation on word number `word`. */
  step(word: number): Promise<unknown>;
  /** The low half that the last operation read; of puts, anything. */
  seen(): number;
}

/** Before each round, because the processor has worked for others meanwhile. */
const SETTLE_MS = 5;

/** Makes a case module's `open` of a function that opens the words, with `words`, `batchOps` and `moves` as parameters. */
export function wordCase(open: (setup: WordSetup) => Promise<SyncCase | PromiseCase>): OpenCase {
  return async (setup) => {
    const { words, batchOps, moves } = setup.parameters as unknown as Working & { readonly moves: Moves };
    const pattern = new Int32Array(words * 2);
    fillPattern(pattern, 0);
    const bench = await open({ ...setup, words, pattern });
    const run = async (extent: Extent): Promise<Stretch> =>
      "batch" in bench ? runSync(bench, words, batchOps, extent) : await runPromises(bench, words, extent);
    const round = async (seed: number, forMs: number): Promise<Round> => {
      if (seed === WARM_UP_SEED) return roundIn(await run({ forMs, operationsMin: 0 }));
      await run({ forMs: SETTLE_MS, operationsMin: 0 });
      // Other words than before, so that a put that does nothing is noticed.
      if (moves === "put") fillPattern(pattern, seed);
      const stretch = await run({ forMs, operationsMin: words });
      const { sum, operations } = stretch;
      const round = roundIn(stretch);
      if (moves === "get" && sum !== patternSum(pattern, operations)) {
        return { ...round, hash: `sum ${sum}`, expectedHash: "the sum of the words" };
      }
      return { ...round, hash: hashOf(await bench.bytes()), expectedHash: hashOf(patternBytes(pattern)) };
    };
    const made: Case = { round, close: () => bench.close() };
    return made;
  };
}

function roundIn({ samplesNs, operations }: Stretch): Round {
  return roundOf(timingOf(samplesNs), operations);
}
