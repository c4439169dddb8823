import type { EpochOptions } from "../../src/index.ts";
import type { WordOperation } from "../../src/sim/checkers/words.ts";
import type { WorkerPlan } from "./worker-parts.ts";

/** What a process is to do that runs epochs whose accesses take effect together. */
export interface EpochWorkerPlan extends WorkerPlan {
  readonly isolation: Exclude<EpochOptions["isolation"], undefined>;
  /** It ends when it has committed that many. */
  readonly committed: number;
}

/** What a process is to do that runs epochs whose accesses take effect one by one. */
export interface WordWorkerPlan extends WorkerPlan {
  readonly consistency: "release" | "sequential";
  readonly epochs: number;
}

/** One access to a word, as it was seen by who made it. */
export type SeenAccess = WordOperation & {
  readonly word: number;
  /** When the access of its epoch before it was in place everywhere, or had its answer; 0 if it is the first. */
  readonly turn: number;
};

export const STRIPE_UNIT = 4096;
/** Words on lines of their own, by turns on two targets. */
export const PLACES = [8, STRIPE_UNIT, 2 * STRIPE_UNIT + 512, 4 * STRIPE_UNIT - 8] as const;
/** Where processes wait for each other, by no epoch. */
export const BARRIER_AT: number = 5 * STRIPE_UNIT;
export const FILE_BYTES: number = 6 * STRIPE_UNIT;

export function keyOf(word: number): string {
  return `word ${word}`;
}
