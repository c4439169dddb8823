import {
  type CommitRecord,
  type EpochWrite,
  RECORD_KIND,
  type RegionLine,
} from "../../src/epoch/commit-records.ts";
import type { Replayed } from "../../src/epoch/replay.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import type { Participant } from "../../src/wire/epoch-name.ts";

export type Event =
  | { readonly kind: "prepare"; readonly writes: readonly EpochWrite[] }
  | { readonly kind: "alone"; readonly writes: readonly EpochWrite[] }
  | { readonly kind: "commit"; readonly pick: number; readonly isKnown: boolean }
  | { readonly kind: "finish"; readonly pick: number; readonly committed: boolean }
  | { readonly kind: "flush"; readonly pick: number; readonly index: number };

/** A write that has effect, when, and which record has its bytes. */
interface Effect {
  readonly effectAt: number;
  readonly bytesAt: number;
  readonly write: EpochWrite;
}

type Prepared = Extract<CommitRecord, { readonly kind: typeof RECORD_KIND.PREPARED }>;
type Committed = Extract<CommitRecord, { readonly kind: typeof RECORD_KIND.COMMITTED }>;

/** What a worker could have appended, the first at position 0, the next at 100, and so on, and what follows from it. */
export class ReplayModel {
  readonly records: CommitRecord[] = [];
  readonly #self: Participant;
  readonly #other: Participant;
  #prepared: { at: number; record: Prepared }[] = [];
  #decisions: { at: number; record: Committed }[] = [];
  readonly #effects: Effect[] = [];
  readonly #flushed = [0, 0];

  constructor(self: Participant, other: Participant) {
    this.#self = self;
    this.#other = other;
  }

  apply(event: Event): void {
    const at = this.records.length * 100;
    const epoch = { incarnation: "c2".repeat(16), session: 4, secret: "5e".repeat(8), sequence: at };
    switch (event.kind) {
      case "alone":
        this.records.push({ kind: RECORD_KIND.COMMITTED_ALONE, epoch, writes: event.writes });
        this.#effect(event.writes, at, at);
        break;
      case "prepare": {
        const shared = [{ inode: 6, index: 0, line: at }];
        const { writes } = event;
        const record: Prepared = { kind: RECORD_KIND.PREPARED, epoch, decider: this.#self, shared, writes };
        this.records.push(record);
        this.#prepared.push({ at, record });
        break;
      }
      case "flush": {
        const upTo = (event.pick % (this.records.length + 1)) * 100;
        const { index } = event;
        this.records.push({ kind: RECORD_KIND.FLUSHED, inode: 5, index, upTo });
        this.#flushed[index] = Math.max(this.#flushed[index] ?? 0, upTo);
        break;
      }
      case "commit":
        this.#commit(at, event.pick, event.isKnown);
        break;
      case "finish":
        this.#finish(at, event.pick, event.committed);
    }
  }

  #commit(at: number, pick: number, isKnown: boolean): void {
    const ended = this.#prepared[pick % Math.max(1, this.#prepared.length)];
    if (ended === undefined) return;
    const { epoch, writes } = ended.record;
    const others = isKnown ? [] : [this.#other];
    const record: Committed = { kind: RECORD_KIND.COMMITTED, epoch, prepared: ended.at, others };
    this.records.push(record);
    this.#prepared = this.#prepared.filter((other) => other !== ended);
    this.#effect(writes, at, ended.at);
    if (!isKnown) this.#decisions.push({ at, record });
  }

  #finish(at: number, pick: number, committed: boolean): void {
    const open = [...this.#prepared, ...this.#decisions];
    const ended = open[pick % Math.max(1, open.length)];
    if (ended === undefined) return;
    const isDecision = ended.record.kind === RECORD_KIND.COMMITTED;
    const isCommitted = committed || isDecision;
    const { epoch } = ended.record;
    this.records.push({ kind: RECORD_KIND.FINISHED, epoch, ends: ended.at, committed: isCommitted });
    this.#prepared = this.#prepared.filter((other) => other !== ended);
    this.#decisions = this.#decisions.filter((other) => other !== ended);
    if (isCommitted && ended.record.kind === RECORD_KIND.PREPARED) {
      this.#effect(ended.record.writes, at, ended.at);
    }
  }

  #effect(writes: readonly EpochWrite[], effectAt: number, bytesAt: number): void {
    for (const write of writes) this.#effects.push({ effectAt, bytesAt, write });
  }

  #needed(): Effect[] {
    return this.#effects.filter(({ effectAt, write }) => effectAt >= (this.#flushed[write.index] ?? 0));
  }

  /** All records that are needed begin there or later. */
  neededFrom(): number {
    const positions = [
      ...this.#needed().map(({ bytesAt }) => bytesAt),
      ...[...this.#prepared, ...this.#decisions].map(({ at }) => at),
    ];
    return Math.min(...positions);
  }

  result(): Replayed {
    const needed = this.#needed();
    const indexes = [...new Set(needed.map(({ write }) => write.index))];
    return {
      regions: indexes.map((index) => ({
        inode: 5,
        index,
        writes: needed.map(({ write }) => write).filter((write) => write.index === index),
      })),
      inDoubt: this.#prepared.map(({ at, record: { epoch, decider, shared, writes } }) => ({
        position: at,
        epoch,
        decider,
        shared,
        exclusive: linesOf(writes),
        writes,
      })),
      decisions: this.#decisions.map(({ at, record: { epoch, others } }) => ({
        position: at,
        epoch,
        others,
      })),
    };
  }
}

/** Byte by byte. */
function linesOf(writes: readonly EpochWrite[]): RegionLine[] {
  const lines: RegionLine[] = [];
  for (const { inode, index, at, bytes } of writes) {
    for (const i of bytes.keys()) {
      const line = Math.floor((at + i) / LINE_BYTES);
      if (!lines.some((other) => other.index === index && other.line === line))
        lines.push({ inode, index, line });
    }
  }
  return lines;
}
