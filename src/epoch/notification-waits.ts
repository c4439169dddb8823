import { copyEntry, ENTRY_WORDS, entrySource } from "./notification-entry.ts";
import type { SessionCounts } from "./notification-limits.ts";
import { type SlotLine, SlotLines } from "./slot-lines.ts";

/** A notification whose answer waits; used again when it has been given. */
export interface WaitingNotification<W> {
  session: SessionCounts;
  waiter: W | undefined;
  /** Queues that have had no room for it yet. */
  left: number;
}

/** Notifications that wait for room: each has a place in the line of each queue that has none for it. */
export class NotificationWaits<W> {
  readonly #places: SlotLines;
  /** By place. */
  readonly #owners: (WaitingNotification<W> | undefined)[];
  readonly #entries: Int32Array;
  readonly #spare: WaitingNotification<W>[] = [];
  readonly #placesMax: number;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
    this.#places = new SlotLines(placesMax);
    this.#owners = new Array(placesMax).fill(undefined);
    this.#entries = new Int32Array(placesMax * ENTRY_WORDS);
  }

  /** Places that are free. */
  get freeCount(): number {
    return this.#places.freeCount;
  }

  /** Places that are taken. */
  get count(): number {
    return this.#placesMax - this.#places.freeCount;
  }

  /** A new one that has no place yet. */
  begin(session: SessionCounts, waiter: W): WaitingNotification<W> {
    const one = this.#spare.pop() ?? { session, waiter, left: 0 };
    one.session = session;
    one.waiter = waiter;
    return one;
  }

  /** Stands at the line's end; a place must be free. */
  join(line: SlotLine, one: WaitingNotification<W>, words: Int32Array, entry: number): void {
    const place = this.#places.join(line);
    this.#owners[place] = one;
    copyEntry(words, entry, this.#entries, place * ENTRY_WORDS);
    one.left += 1;
    one.session.waits += 1;
  }

  /** The entries of all that wait; that of the first in line lies at `firstEntry`. */
  get entries(): Int32Array {
    return this.#entries;
  }

  firstEntry(line: SlotLine): number {
    return line.first * ENTRY_WORDS;
  }

  /** The first gives up its place. @returns whose it was; to be ended when none is left */
  leaveFirst(line: SlotLine): WaitingNotification<W> {
    const one = this.#leave(line.first);
    this.#places.leaveFirst(line);
    return one;
  }

  /** Those of `session`, or all, give up their places. @param left is told of each that has none left; to be ended there */
  leaveAll(
    line: SlotLine,
    session: SessionCounts | undefined,
    left: (one: WaitingNotification<W>) => void,
  ): void {
    this.#places.leaveWhere(line, (place) => {
      if (session !== undefined && this.#owners[place]?.session !== session) return false;
      const one = this.#leave(place);
      if (one.left === 0) left(one);
      return true;
    });
  }

  #leave(place: number): WaitingNotification<W> {
    const one = this.#owners[place] as WaitingNotification<W>;
    this.#owners[place] = undefined;
    one.left -= 1;
    one.session.waits -= 1;
    return one;
  }

  /** Adds the sources of those that wait, each once. */
  addSources(into: Set<number>): void {
    for (let place = 0; place < this.#placesMax; place += 1) {
      if (this.#owners[place] !== undefined) into.add(entrySource(this.#entries, place * ENTRY_WORDS));
    }
  }

  /** @returns who is to be answered; `one` may be used again from now on */
  end(one: WaitingNotification<W>): W {
    const waiter = one.waiter as W;
    one.waiter = undefined;
    this.#spare.push(one);
    return waiter;
  }
}
