import { LINE_BYTES } from "../wire/epoch-message.ts";
import { type EpochName, nameKey, type Participant } from "../wire/epoch-name.ts";
import {
  type CommitRecord,
  type CommittedRecord,
  type EpochWrite,
  type FinishedRecord,
  type FlushedRecord,
  type PreparedRecord,
  RECORD_KIND,
  type RegionLine,
  regionKey,
} from "./commit-records.ts";
import type { LogRecord } from "./log-ring.ts";
import { corruptBody } from "./record-body.ts";
import { decodeRecord } from "./record-codec.ts";

/** What is to be put into one region, in this order. */
export interface RegionReplay {
  readonly inode: number;
  readonly index: number;
  readonly writes: readonly EpochWrite[];
}

/** An epoch that was promised here, and nothing says what was decided. */
export interface EpochInDoubt {
  /** Where its PREPARED record begins. */
  readonly position: number;
  readonly epoch: EpochName;
  readonly decider: Participant;
  /** Lines that stay locked, no line twice: those that were only read, and those that it would write. */
  readonly shared: readonly RegionLine[];
  readonly exclusive: readonly RegionLine[];
  readonly writes: readonly EpochWrite[];
}

/** What was decided here, and somebody may not have finished. */
export interface OpenDecision {
  /** Where its COMMITTED record begins. */
  readonly position: number;
  readonly epoch: EpochName;
  readonly others: readonly Participant[];
}

/** What a log says, in the order of its records. */
export interface Replayed {
  readonly regions: readonly RegionReplay[];
  readonly inDoubt: readonly EpochInDoubt[];
  readonly decisions: readonly OpenDecision[];
}

/** A write, and where the record begins that gave it effect. */
interface Effect {
  readonly position: number;
  readonly write: EpochWrite;
}

interface RegionEffects {
  readonly inode: number;
  readonly index: number;
  readonly effects: Effect[];
}

/**
 * What is to be done by what the log has. Bytes are views of the records' bodies.
 * @param records of one log, from its start to its end
 * @throws ERR_CORRUPT where one makes no sense, or two contradict each other
 */
export function replay(records: Iterable<LogRecord>): Replayed {
  const replaying = new Replaying();
  for (const { position, kind, body } of records) replaying.take(position, decodeRecord(kind, body));
  return replaying.result();
}

class Replaying {
  /** By position of their records. What is not here any more, or lies before the log's start, needs nothing. */
  readonly #prepared = new Map<number, PreparedRecord>();
  readonly #decisions = new Map<number, CommittedRecord>();
  readonly #regions = new Map<string, RegionEffects>();

  take(position: number, record: CommitRecord): void {
    switch (record.kind) {
      case RECORD_KIND.PREPARED:
        this.#prepared.set(position, record);
        break;
      case RECORD_KIND.COMMITTED:
        this.#endPrepared(record.prepared, record.epoch, true, position);
        if (record.others.length > 0) this.#decisions.set(position, record);
        break;
      case RECORD_KIND.COMMITTED_ALONE:
        this.#apply(record.writes, position);
        break;
      case RECORD_KIND.FINISHED:
        this.#finish(record, position);
        break;
      case RECORD_KIND.FLUSHED:
        this.#flushed(record);
    }
  }

  result(): Replayed {
    const regions = [...this.#regions.values()].map(({ inode, index, effects }) => ({
      inode,
      index,
      writes: effects.map(({ write }) => write),
    }));
    const inDoubt = [...this.#prepared].map(([position, { epoch, decider, shared, writes }]) => ({
      position,
      epoch,
      decider,
      shared,
      exclusive: linesOf(writes),
      writes,
    }));
    const decisions = [...this.#decisions].map(([position, { epoch, others }]) => ({
      position,
      epoch,
      others,
    }));
    return { regions: regions.filter(({ writes }) => writes.length > 0), inDoubt, decisions };
  }

  #finish({ epoch, ends, committed }: FinishedRecord, position: number): void {
    const decision = this.#decisions.get(ends);
    if (decision === undefined) {
      this.#endPrepared(ends, epoch, committed, position);
      return;
    }
    if (!committed) throw corruptBody(`what was committed at ${ends} is not, at ${position}`);
    checkSame(decision.epoch, epoch, position);
    this.#decisions.delete(ends);
  }

  #endPrepared(prepared: number, epoch: EpochName, committed: boolean, position: number): void {
    const record = this.#prepared.get(prepared);
    if (record === undefined) return;
    checkSame(record.epoch, epoch, position);
    this.#prepared.delete(prepared);
    if (committed) this.#apply(record.writes, position);
  }

  /** They have effect from `position` on, wherever their bytes lie in the log. */
  #apply(writes: readonly EpochWrite[], position: number): void {
    for (const write of writes) {
      const { inode, index } = write;
      const key = regionKey(inode, index);
      let region = this.#regions.get(key);
      if (region === undefined) {
        region = { inode, index, effects: [] };
        this.#regions.set(key, region);
      }
      region.effects.push({ position, write });
    }
  }

  #flushed({ inode, index, upTo }: FlushedRecord): void {
    const effects = this.#regions.get(regionKey(inode, index))?.effects ?? [];
    const kept = effects.findIndex(({ position }) => position >= upTo);
    effects.splice(0, kept < 0 ? effects.length : kept);
  }
}

/** The lines that have bytes of `writes`, no line twice. */
function linesOf(writes: readonly EpochWrite[]): RegionLine[] {
  const lines = new Map<string, RegionLine>();
  for (const { inode, index, at, bytes } of writes) {
    const end = Math.ceil((at + bytes.length) / LINE_BYTES);
    for (let line = Math.floor(at / LINE_BYTES); line < end && bytes.length > 0; line += 1) {
      lines.set(`${regionKey(inode, index)}.${line}`, { inode, index, line });
    }
  }
  return [...lines.values()];
}

function checkSame(one: EpochName, other: EpochName, position: number): void {
  if (nameKey(one) === nameKey(other)) return;
  throw corruptBody(`at ${position} it speaks of another epoch than the record that it belongs to`);
}
