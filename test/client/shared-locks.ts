import type { Section } from "../../src/sim/checkers/exclusion.ts";
import type { WorkerPlan } from "./worker-parts.ts";

/** What one process of lock-processes.test.ts is to do. */
export interface LockWorkerPlan extends WorkerPlan {
  /** Else it does the same without any. */
  readonly locks: boolean;
  readonly sections: number;
}

/** What was done to a word while its lock was held, and from when to when. */
export interface SeenSection extends Section {
  readonly word: number;
  readonly invoked: number;
  readonly returned: number;
}

export const STRIPE_UNIT = 4096;
/** By turns on two targets. */
export const PLACES = [0, 2 * STRIPE_UNIT - 8, 2 * STRIPE_UNIT + 512] as const;
/** Where processes wait for each other, out of reach of all locks. */
export const BARRIER_AT: number = 5 * STRIPE_UNIT;
export const FILE_BYTES: number = 6 * STRIPE_UNIT;
