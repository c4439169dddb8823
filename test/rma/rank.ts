import type { Cluster, DidafsFile, DidafsWindow } from "../../src/index.ts";
import type { ProgramName } from "./programs/all.ts";

/** By number: ranks that map the file, and ranks that reach it over TCP, by turns. */
export const TRANSPORTS = ["direct", "tcp", "direct", "tcp"] as const;
export const SHARINGS = ["managed", "raw"] as const;
export type Sharing = (typeof SHARINGS)[number];

/** Stripe units of a file lie by turns on two targets. */
export const UNIT = 4096;
export const FILE_BYTES: number = 16 * UNIT;
export const WORD_BYTES = 8;

/** What a program has, in a process of its own: the same program runs in all of them at once, as in an MPI job. */
export interface Rank {
  readonly rank: number;
  readonly size: number;
  readonly sharing: Sharing;
  readonly cluster: Cluster;
  readonly file: DidafsFile;
  /** On the whole file, which is new, and full of zeros. */
  readonly window: DidafsWindow;
  /** Resolves when all ranks have called it. It goes past DiDAFS, and completes no access. */
  barrier(): Promise<void>;
}

/** What a rank is told. */
export type ToRank =
  | { type: "run"; program: ProgramName; path: string; sharing: Sharing }
  /** All have come to the barrier. */
  | { type: "pass" }
  /** Somebody never will. */
  | { type: "stop" };

export type FromRank =
  | { type: "ready" }
  | { type: "barrier" }
  | { type: "done"; result: unknown }
  | { type: "failed"; error: string };
