import type { CaseSetup } from "./case.ts";
import type { Timing } from "./statistics.ts";

/** What was measured of one line in one round. */
export interface Timed extends Timing {
  readonly operations: number;
  readonly operationsPerSecond: number;
}

/** What one round of one case gave. */
export interface Round {
  /** By the key of the line; a case of one line has the key {@link WHOLE}. */
  readonly lines: Readonly<Record<string, Timed>>;
  /** SHA-256 of what was moved or left; undefined where a tool of others does not show it. */
  readonly hash: string | undefined;
  /** What the hash must be. */
  readonly expectedHash: string | undefined;
  /** Things that were counted, by what they are. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** The key of a case's only line. */
export const WHOLE = "whole";

/** A round of a case that does one thing at a time. */
export function roundOf(
  timing: Timing,
  operations: number,
  hashes: Pick<Round, "hash" | "expectedHash"> = { hash: undefined, expectedHash: undefined },
): Round {
  return { lines: { [WHOLE]: oneAtATime(timing, operations) }, ...hashes };
}

/** Operations that followed each other without a pause. */
export function oneAtATime(timing: Timing, operations: number): Timed {
  return { ...timing, operations, operationsPerSecond: 1e9 / timing.meanNs };
}

/** How a case's process is to run. */
export interface CasePlan {
  /** Module with an `open` of type OpenCase. */
  readonly module: string;
  readonly setup: CaseSetup;
  readonly warmUpMs: number;
  /** How long each line is measured in a round, about. */
  readonly roundMs: number;
  /** Longest time without a sign of progress that opening and a round may take. */
  readonly withinMs: number;
}

export type ToCase =
  | { readonly kind: "open"; readonly plan: CasePlan }
  | { readonly kind: "round"; readonly seed: number }
  | { readonly kind: "close" };

export type FromCase =
  | { readonly kind: "opened" }
  /** A part of what takes long is done; the answer is still to come. */
  | { readonly kind: "progressed" }
  | { readonly kind: "round"; readonly round: Round }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly code: string | undefined; readonly message: string };
