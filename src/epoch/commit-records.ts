import type { EpochName, Participant } from "../wire/epoch-name.ts";

/**
 * What the records of commit in a worker's log say. Numbers are never reused.
 *
 * Records that belong together say where the first of them is, by its position: names do not tell them apart. An origin
 * chooses what name it prepares under at a worker that does not decide, so the same name may be there twice.
 */
export const RECORD_KIND = {
  PREPARED: 1,
  COMMITTED: 2,
  COMMITTED_ALONE: 3,
  FINISHED: 4,
  FLUSHED: 5,
} as const;

/** A region's name as a key. */
export function regionKey(inode: number, index: number): string {
  return `${inode}.${index}`;
}

/** Bytes that an epoch puts into a region. */
export interface EpochWrite {
  readonly inode: number;
  readonly index: number;
  /** Where in the region's data they begin. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A line of a region: LINE_BYTES bytes, from `line * LINE_BYTES` on. */
export interface RegionLine {
  readonly inode: number;
  readonly index: number;
  readonly line: number;
}

/** Promised: what it writes is here, and its lines are locked, until it is known what was decided. */
export interface PreparedRecord {
  readonly kind: typeof RECORD_KIND.PREPARED;
  readonly epoch: EpochName;
  readonly decider: Participant;
  /** Lines that it has locked and does not write; the lines of `writes` are locked, too. */
  readonly shared: readonly RegionLine[];
  readonly writes: readonly EpochWrite[];
}

/** Decided, by this worker: from here on what it had prepared has effect. */
export interface CommittedRecord {
  readonly kind: typeof RECORD_KIND.COMMITTED;
  readonly epoch: EpochName;
  /** Where this worker's own PREPARED record begins. */
  readonly prepared: number;
  /** Who takes part besides this worker, and must finish it. */
  readonly others: readonly Participant[];
}

/** Committed, and nobody else takes part. */
export interface CommittedAloneRecord {
  readonly kind: typeof RECORD_KIND.COMMITTED_ALONE;
  readonly epoch: EpochName;
  readonly writes: readonly EpochWrite[];
}

/** A PREPARED record needs no decision any more, or a COMMITTED one is known to all. */
export interface FinishedRecord {
  readonly kind: typeof RECORD_KIND.FINISHED;
  readonly epoch: EpochName;
  /** Where that record begins. */
  readonly ends: number;
  /** Whether what was prepared has effect, from here on; true for a COMMITTED record. */
  readonly committed: boolean;
}

/** All that records before `upTo` have put into that region is durable in it. */
export interface FlushedRecord {
  readonly kind: typeof RECORD_KIND.FLUSHED;
  readonly inode: number;
  readonly index: number;
  /** A position in the log, not in the region. */
  readonly upTo: number;
}

export type CommitRecord =
  | PreparedRecord
  | CommittedRecord
  | CommittedAloneRecord
  | FinishedRecord
  | FlushedRecord;
