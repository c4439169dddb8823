import type { ClusterAddress } from "../harness/case.ts";

/** What attackers do, in the order in which it is measured. */
export const ATTACKS = [
  "nobody",
  "strangers",
  "trickle",
  "never-read",
  "stopped",
  "come-and-go",
  "computing",
] as const;

export type Attack = (typeof ATTACKS)[number];

/** How many of them there are. */
export interface Crowds {
  readonly strangers: number;
  /** Of those that trickle: strangers, and peers with a session. */
  readonly tricklingStrangers: number;
  readonly tricklingSessions: number;
  /** Peers with a session. */
  readonly neverReading: number;
  readonly stopped: number;
}

export type AttackerOrder =
  | { readonly open: ClusterAddress; readonly path: string; readonly crowds: Crowds }
  /** @see Standing; `part` of a processor that computing takes */
  | { readonly begin: Attack; readonly part: number }
  | { readonly end: true };

/** Connections that the attackers hold at the target. */
export type AttackerAnswer = number;

/** What the well-behaved client does: a word at a time, or blocks of 4 KiB in batches of 64. */
export const LOADS = ["word", "batch"] as const;

export type Load = (typeof LOADS)[number];

export type SteadyOrder =
  | { readonly open: ClusterAddress; readonly path: string }
  /** Reads for that long. */
  | { readonly load: Load; readonly forMs: number };

/** Of each get the time from its start until it settled; a batch's gets are as long as the batch. */
export interface SteadyRun {
  readonly samplesNs: Float64Array;
  readonly operations: number;
  readonly tookMs: number;
}

/** Bytes of the file. The client reads those of the first half; what attackers put goes into the second. */
export const FILE_BYTES: number = 4 << 20;
export const READ_BYTES: number = FILE_BYTES / 2;
/** Of the first half. */
export const PATTERN_SEED = 1;
