import { ENTRY_WORDS } from "./notification-entry.ts";
import type { NotificationLimits } from "./notification-limits.ts";

/** What becomes of commands. Each is the answer to one, and the only one. */
export const NOTIFICATION_ACTION = {
  /** To `open`: the queue is there. */
  OPENED: 0,
  /** To `notify`: each queue that matches has had room. */
  NOTIFIED: 1,
  /** To `next`, of a list: see `counts` and `entriesAt`. */
  ENTRIES: 2,
  /** To `next`, of a counting queue: see `counts`. */
  COUNT: 3,
  /** To `next`: nothing came in time. */
  TIMED_OUT: 4,
  /** To `next`: the queue was closed meanwhile. */
  CLOSED: 5,
  /** To `next` and `notify`: its session waits for nothing any more. What had no room for it gets nothing. */
  CANCELLED: 6,
  /** To any: a limit is reached, and nothing has been done: a notification that is refused is in no queue. */
  REFUSED: 7,
  /** To `open`: the session has a queue of that number. */
  REPEATED: 8,
  /** To `next`: the session has no queue of that number. */
  UNKNOWN: 9,
} as const;

/** What an event led to, to be carried out before the next event; entries are used again. */
export class NotificationActions<W> {
  count = 0;
  readonly kinds: Uint8Array;
  readonly waiters: (W | undefined)[];
  /** Of ENTRIES: how many. Of COUNT: notifications since the last such answer. Else 0. */
  readonly counts: Float64Array;
  /** Of ENTRIES: the word of `entries` that they begin at (notification-entry.ts). */
  readonly entriesAt: Int32Array;
  readonly entries: Int32Array;
  #entriesEnd = 0;

  /** As large as one event can need: one that ends a session, or one that fills many answers. */
  constructor(limits: NotificationLimits) {
    const { waitsMax, nextsMax, answerEntriesMax, regionQueuesMax } = limits;
    const capacity = waitsMax + nextsMax + 1;
    this.kinds = new Uint8Array(capacity);
    this.waiters = new Array(capacity).fill(undefined);
    this.counts = new Float64Array(capacity);
    this.entriesAt = new Int32Array(capacity);
    // A notification is alone in the answer to whoever waited for it, in each queue.
    this.entries = new Int32Array(Math.max(answerEntriesMax, regionQueuesMax) * ENTRY_WORDS);
  }

  push(kind: number, waiter: W, count = 0): void {
    this.kinds[this.count] = kind;
    this.waiters[this.count] = waiter;
    this.counts[this.count] = count;
    this.count += 1;
  }

  /** Where the entries of the next ENTRIES begin. */
  get entriesEnd(): number {
    return this.#entriesEnd;
  }

  /** @param count entries that have been written from `entriesEnd` on */
  pushEntries(waiter: W, count: number): void {
    this.entriesAt[this.count] = this.#entriesEnd;
    this.#entriesEnd += count * ENTRY_WORDS;
    this.push(NOTIFICATION_ACTION.ENTRIES, waiter, count);
  }

  clear(): void {
    for (let i = 0; i < this.count; i += 1) this.waiters[i] = undefined;
    this.count = 0;
    this.#entriesEnd = 0;
  }
}
