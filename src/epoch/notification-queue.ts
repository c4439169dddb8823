import { copyEntry, ENTRY_WORDS, entrySource, setEntryOrder } from "./notification-entry.ts";
import type { SessionCounts } from "./notification-limits.ts";
import { NOBODY, SlotLine } from "./slot-lines.ts";

/** Lets in whatever it is. */
export const ANY: number = -1;

/** Where others put notifications of the same queue: its reader tells the order of all by their stamps. */
export interface QueueBoard {
  /** The stamp of an entry that is put into the queue now. */
  stamp(): number;
}

/** What a session asks for when it opens a queue. */
export interface QueueClaim {
  readonly session: number;
  /** Of the queue, among those of its session. */
  readonly id: number;
  /** The session's window that it was opened through. */
  readonly handle: number;
  readonly region: string;
  /** The first byte, and the first behind the range. */
  readonly at: number;
  readonly end: number;
  /** What it lets in: one u32, or ANY. */
  readonly source: number;
  readonly tag: number;
  /** A list keeps an entry of each notification; a count only how many there were. */
  readonly kind: "list" | "count";
  /** Entries that a list holds, one at least; of a count it means nothing. */
  readonly capacity: number;
  readonly board?: QueueBoard | undefined;
}

/** One queue: what it lets in, what lies in it, and who stands in line at either end. */
export class NotificationQueue {
  readonly claim: QueueClaim;
  /** Of its session. */
  readonly counts: SessionCounts;
  readonly isList: boolean;
  /** Entries it holds the memory of. */
  readonly capacity: number;
  /** Entries, or what has been counted, since they were last taken. */
  size = 0;
  /** Notifications that wait for room: nobody while there is some, for whoever is first is let in at once. */
  readonly waits: SlotLine = new SlotLine();
  /** Commands that wait for a notification: none while there is one. */
  readonly nexts: SlotLine = new SlotLine();
  // The claim once more: it is compared with each access, and lies at hand here.
  readonly #at: number;
  readonly #end: number;
  readonly #source: number;
  readonly #tag: number;
  readonly #board: QueueBoard | undefined;
  readonly #countMax: number;
  readonly #ring: Int32Array;
  /** The slot of the oldest entry. */
  #head = 0;
  /** Of the next entry. */
  #sequence = 0;

  constructor(claim: QueueClaim, counts: SessionCounts, countMax: number) {
    this.claim = claim;
    this.counts = counts;
    this.isList = claim.kind === "list";
    this.capacity = this.isList ? claim.capacity : 0;
    this.#at = claim.at;
    this.#end = claim.end;
    this.#source = claim.source;
    this.#tag = claim.tag;
    this.#board = claim.board;
    this.#countMax = countMax;
    this.#ring = new Int32Array(this.capacity * ENTRY_WORDS);
  }

  /** @param end the first byte behind the access */
  matches(at: number, end: number, source: number, tag: number): boolean {
    return (
      at < this.#end &&
      this.#at < end &&
      (this.#source === source || this.#source === ANY) &&
      (this.#tag === tag || this.#tag === ANY)
    );
  }

  get hasRoom(): boolean {
    return !this.isList || this.size < this.capacity;
  }

  /** True while somebody waits for a notification. */
  get isAwaited(): boolean {
    return this.nexts.first !== NOBODY;
  }

  /** Lets in an entry, where there is room, and gives it its sequence and its stamp. */
  put(words: Int32Array, entry: number): void {
    if (!this.isList) {
      if (this.size < this.#countMax) this.size += 1;
      return;
    }
    let slot = this.#head + this.size;
    if (slot >= this.capacity) slot -= this.capacity;
    copyEntry(words, entry, this.#ring, slot * ENTRY_WORDS);
    setEntryOrder(this.#ring, slot * ENTRY_WORDS, this.#sequence, this.#board?.stamp() ?? 0);
    this.#sequence += 1;
    this.size += 1;
  }

  /** Takes the oldest entries of a list, at most `entriesMax`. @returns how many */
  take(into: Int32Array, intoEntry: number, entriesMax: number): number {
    const count = Math.min(this.size, entriesMax);
    for (let i = 0; i < count; i += 1) {
      copyEntry(this.#ring, this.#head * ENTRY_WORDS, into, intoEntry + i * ENTRY_WORDS);
      this.#head += 1;
      if (this.#head === this.capacity) this.#head = 0;
    }
    this.size -= count;
    return count;
  }

  /** Adds the sources of the entries that lie in it, each once, and that of its filter. */
  addSources(into: Set<number>): void {
    if (this.#source !== ANY) into.add(this.#source);
    for (let i = 0; this.isList && i < this.size; i += 1) {
      into.add(entrySource(this.#ring, ((this.#head + i) % this.capacity) * ENTRY_WORDS));
    }
  }

  /** @returns what was counted since the last time */
  takeCount(): number {
    const count = this.size;
    this.size = 0;
    return count;
  }
}
