/**
 * Named steps of protocols at which a test may end the process, to see what is left and whether others get over it. In
 * production nobody watches, and a step costs one comparison.
 */
export const FAILPOINTS = [
  /** An origin has sent PREPARE, or COMMIT_ALONE, to a participant; then DECIDE, FINISH_COMMITTED and ACKNOWLEDGE. */
  "asked to prepare",
  "asked to decide",
  "asked to finish",
  "acknowledged",
  /** A participant has appended what it would write, and nothing says yet that this is durable. */
  "prepared",
  /** It is as durable as was asked, and the origin is about to be told. */
  "promised",
  /** The decider has appended its decision, or its only participant the whole epoch. */
  "decided",
  /** The decision is as durable as was asked, and what was decided is being put in place. */
  "applied",
  /** The origin is about to be told that the epoch is committed. */
  "committed",
  /** A participant has appended that it has finished. */
  "finished",
  /** A record was appended that says that another one is of no use any more. */
  "over",
  /** Recovery has read a log, and made durable what it says. */
  "log read",
  /** It has put what the log says into the regions. */
  "redone",
  /** That is durable. */
  "redone durably",
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

let watching: ((step: Failpoint) => void) | undefined;

/** The caller is at that step. */
export function reach(step: Failpoint): void {
  if (watching !== undefined) watching(step);
}

/** @param watch is called at every step of this thread from now on */
export function watchFailpoints(watch: ((step: Failpoint) => void) | undefined): void {
  watching = watch;
}
