import type { Round } from "./messages.ts";

/** Where a cluster of this run is, and its key. */
export interface ClusterAddress {
  readonly url: string;
  readonly keyHex: string;
  /** Its data directory. */
  readonly dir: string;
}

/** What a case module is given; survives a message to another process. */
export interface CaseSetup {
  /** Undefined for a case that needs none. */
  readonly cluster: ClusterAddress | undefined;
  /** A directory of the case's own, on the file system that holds the cluster's data. */
  readonly dir: string;
  /** What distinguishes cases of one module. */
  readonly parameters: Parameters;
}

export type Parameters = Readonly<Record<string, string | number | readonly number[]>>;

/** The seed of the round that warms a case up. Only then others may be running. */
export const WARM_UP_SEED = 0;

/** A case in its own process. Rounds differ by their seed, so that an operation that does nothing is noticed. */
export interface Case {
  /** @param forMs how long each of its lines is measured, about */
  round(seed: number, forMs: number): Promise<Round>;
  close(): Promise<void>;
}

/**
 * What a case module exports as `open`.
 * @param progressed to be called now and then by whatever takes long, be it opening or a round: a case that is slow is
 *   waited for, one that says nothing is not
 */
export type OpenCase = (setup: CaseSetup, progressed: () => void) => Promise<Case>;
