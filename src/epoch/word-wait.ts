/** What a session waits for: that a word is another one than it was. */
export interface WordClaim {
  readonly session: number;
  /** The session's window that it was asked through. */
  readonly handle: number;
  readonly region: string;
  /** The word's first byte, a multiple of `bytes`; whoever calls has checked that. */
  readonly at: number;
  readonly bytes: 4 | 8;
  /** What it was: two halves of 32 bits, of a word of 4 bytes the first alone. */
  readonly low: number;
  readonly high: number;
}

/** A claim that waits. */
export interface WordWait<W> {
  readonly claim: WordClaim;
  readonly waiter: W;
  /** When it stops waiting. */
  readonly deadlineMs: number;
}

/** Writes what a word is now into the first two entries of `into`: low half, high half, 0 of a word of 4 bytes. */
export type WordReader = (region: string, at: number, bytes: 4 | 8, into: Int32Array) => void;

/** How many waits there may be at one home. */
export interface WordLimits {
  readonly sessionWaitsMax: number;
  /** Each write to the region is compared with each of these. */
  readonly regionWaitsMax: number;
  readonly waitsMax: number;
}

export const WORD_LIMITS: WordLimits = {
  sessionWaitsMax: 128,
  regionWaitsMax: 1024,
  waitsMax: 4096,
};
