import { assert } from "../std/assert.ts";
import { nameKey } from "../wire/epoch-name.ts";
import {
  type CommitRecord,
  type EpochWrite,
  RECORD_KIND,
  type RegionLine,
  regionKey,
} from "./commit-records.ts";
import { EPOCH_ACTION, type EpochAction } from "./epoch-actions.ts";
import type { EpochEntry } from "./epoch-entry.ts";
import { type EpochLog, NO_ROOM } from "./log.ts";
import { encodeRecord } from "./record-codec.ts";
import type { Replayed } from "./replay.ts";

/** What the journal needs to know of an epoch at this worker. */
export interface EpochContent {
  /** Lines that it has read and does not write. */
  readonly shared: readonly RegionLine[];
  readonly writes: readonly EpochWrite[];
  /** Its records outlast a loss of power before anybody hears of them. */
  readonly stable: boolean;
}

/** What may have to be said about one that has promised, or was decided, must find room: up to 63 others take part in it. */
const RESERVED_BYTES = 2048;

/** A write that has effect since the record at `at`, and whose bytes lie in the one at `from`. */
interface Effect {
  readonly at: number;
  readonly from: number;
}

/**
 * The records of one worker's epochs in its log: what EpochTable wants appended, who waits for a sync, and what of the log is
 * needed still. Knows nothing of drives: its owner syncs the log's object and the regions, and says so.
 */
export class EpochJournal<A, P extends EpochContent> {
  readonly #log: EpochLog;
  /** Where the PREPARED record begins, by entry. */
  readonly #prepared = new Map<string, number>();
  /** Where the COMMITTED record begins, by name; until all have finished it. */
  readonly #decisions = new Map<string, number>();
  /** Where the record begins that gives it effect, by entry, until its writes are in place. */
  readonly #unapplied = new Map<string, number>();
  /** By region: what a sync of it has not covered. */
  readonly #effects = new Map<string, Effect[]>();
  #syncWaiters = 0;
  /** In the order of appending. */
  #waiting: { readonly key: string; readonly end: number; readonly stable: boolean }[] = [];

  /** @param log that is open */
  constructor(log: EpochLog) {
    this.#log = log;
  }

  /** An epoch in doubt is an entry of the table again. */
  recovered(key: string, { position }: Replayed["inDoubt"][number]): void {
    this.#prepared.set(key, position);
  }

  recoveredDecision({ position, epoch }: Replayed["decisions"][number]): void {
    this.#decisions.set(nameKey(epoch), position);
  }

  /** Whether an epoch can be prepared, and all that may have to be said of it and of others. */
  hasRoomFor({ shared, writes }: EpochContent): boolean {
    let bytes = RESERVED_BYTES * (2 + this.#prepared.size + this.#decisions.size);
    bytes += shared.length * 16;
    for (const write of writes) bytes += 24 + write.bytes.length;
    return bytes <= this.#log.roomBytes;
  }

  /** Carries out an action that appends; is to see the others, too. @returns whether it was one that appends */
  carryOut({ kind, entry, name: epoch }: EpochAction<A, P>): boolean {
    if (kind === EPOCH_ACTION.APPLY) this.#unapplied.delete(entry?.key as string);
    if (epoch === undefined) return false;
    if (kind === EPOCH_ACTION.LOG_PREPARED) this.#prepare(entry as EpochEntry<A, P>);
    else if (kind === EPOCH_ACTION.LOG_COMMITTED) this.#commit(entry as EpochEntry<A, P>);
    else if (kind === EPOCH_ACTION.LOG_FINISHED) {
      const { key, payload } = entry as EpochEntry<A, P>;
      const from = this.#prepared.get(key) as number;
      const at = this.#append({ kind: RECORD_KIND.FINISHED, epoch, ends: from, committed: true });
      this.#wait(key, payload);
      this.#takesEffect(key, payload, { at, from });
      this.#prepared.delete(key);
    } else if (kind === EPOCH_ACTION.LOG_OVER) {
      const ends = entry === undefined ? this.#decisions.get(nameKey(epoch)) : this.#prepared.get(entry.key);
      if (ends !== undefined) {
        this.#append({ kind: RECORD_KIND.FINISHED, epoch, ends, committed: entry === undefined });
      }
      if (entry === undefined) this.#decisions.delete(nameKey(epoch));
      else this.#prepared.delete(entry.key);
    } else return false;
    return true;
  }

  #prepare({ key, name, decider, payload }: EpochEntry<A, P>): void {
    const { shared, writes } = payload;
    const at = this.#append({ kind: RECORD_KIND.PREPARED, epoch: name, decider, shared, writes });
    this.#prepared.set(key, at);
    this.#wait(key, payload);
  }

  #commit({ key, name, payload, others }: EpochEntry<A, P>): void {
    const prepared = this.#prepared.get(key);
    if (prepared === undefined) {
      const { writes } = payload;
      const at = this.#append({ kind: RECORD_KIND.COMMITTED_ALONE, epoch: name, writes });
      this.#takesEffect(key, payload, { at, from: at });
    } else {
      const at = this.#append({ kind: RECORD_KIND.COMMITTED, epoch: name, prepared, others });
      this.#takesEffect(key, payload, { at, from: prepared });
      if (others.length > 0) this.#decisions.set(nameKey(name), at);
      this.#prepared.delete(key);
    }
    this.#wait(key, payload);
  }

  /** @returns where it begins */
  #append(record: CommitRecord): number {
    const at = this.#log.end;
    const end = this.#log.append(record.kind, encodeRecord(record));
    assert(end !== NO_ROOM, "there is room for what had to be reckoned with");
    return at;
  }

  #wait(key: string, { stable }: EpochContent): void {
    this.#waiting.push({ key, end: this.#log.end, stable });
    if (stable) this.#syncWaiters += 1;
  }

  #takesEffect(key: string, { writes }: EpochContent, effect: Effect): void {
    this.#unapplied.set(key, effect.at);
    for (const region of new Set(writes.map(({ inode, index }) => regionKey(inode, index)))) {
      const effects = this.#effects.get(region);
      if (effects === undefined) this.#effects.set(region, [effect]);
      else effects.push(effect);
    }
  }

  /** How many epochs wait for a sync of the log. */
  get syncWaiters(): number {
    return this.#syncWaiters;
  }

  /** @returns the entries whose records are now as durable as they asked, in the order of appending */
  logged(): string[] {
    const isLogged = ({ stable, end }: { stable: boolean; end: number }): boolean =>
      !stable || this.#log.isDurable(end);
    const logged = this.#waiting.filter(isLogged);
    if (logged.length > 0) this.#waiting = this.#waiting.filter((one) => !isLogged(one));
    for (const { stable } of logged) if (stable) this.#syncWaiters -= 1;
    return logged.map(({ key }) => key);
  }

  /** Whether the log has writes to that region that no sync of it has covered. */
  needs(inode: number, index: number): boolean {
    return this.#effects.has(regionKey(inode, index));
  }

  /** The regions, by regionKey, that `needs` is true of. */
  unsynced(): Iterable<string> {
    return this.#effects.keys();
  }

  /** What records before that have given effect to is in place: a sync of a region that begins now covers it. */
  appliedUpTo(): number {
    let upTo = this.#log.end;
    for (const at of this.#unapplied.values()) upTo = Math.min(upTo, at);
    return upTo;
  }

  /** A sync of the region is done. @param upTo what `appliedUpTo` said when it began */
  flushed(inode: number, index: number, upTo: number): void {
    const key = regionKey(inode, index);
    const left = this.#effects.get(key)?.filter(({ at }) => at >= upTo) ?? [];
    if (left.length > 0) this.#effects.set(key, left);
    else this.#effects.delete(key);
  }

  /**
   * Appends that a region was flushed. Once that is durable, nothing before `upTo` is put there again: who writes there behind
   * the epochs' backs may count on it.
   * @returns false where there is no room; trimming gives some
   */
  noteFlushed(inode: number, index: number, upTo: number): boolean {
    const record = { kind: RECORD_KIND.FLUSHED, inode, index, upTo };
    return this.#log.append(record.kind, encodeRecord(record)) !== NO_ROOM;
  }

  /** Gives back what nobody needs of the log. */
  trim(): void {
    let oldest = this.#log.end;
    for (const at of this.#prepared.values()) oldest = Math.min(oldest, at);
    for (const at of this.#decisions.values()) oldest = Math.min(oldest, at);
    for (const effects of this.#effects.values()) {
      for (const { from } of effects) oldest = Math.min(oldest, from);
    }
    if (oldest > this.#log.start) this.#log.advance(oldest);
  }
}
