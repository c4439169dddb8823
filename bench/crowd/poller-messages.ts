import type { ClusterAddress } from "../harness/case.ts";

export type PollerOrder =
  | { readonly open: ClusterAddress; readonly path: string }
  /** Reads words, one after the other, for that long. */
  | { readonly runMs: number };

/** Times of single reads, and the sum of what was read; nothing of an opening. */
export interface PollerRun {
  readonly samplesNs: Float64Array;
  readonly tookMs: number;
  readonly isRight: boolean;
}

export const WORD = 0x5eed;
