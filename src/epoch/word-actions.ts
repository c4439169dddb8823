/** What becomes of waits. Each is the answer to one, and the only one. */
export const WORD_ACTION = {
  /** The word is another one; see `lows` and `highs`. */
  CHANGED: 0,
  /** Its time has come, and the word is at that moment what it was. */
  TIMED_OUT: 1,
  /** Its session or window waits for it no more, or the word was cut off. */
  CANCELLED: 2,
  /** A limit is reached, and the word is what it was. */
  REFUSED: 3,
} as const;

/** What an event led to, to be carried out before the next event; entries are used again. */
export class WordActions<W> {
  count = 0;
  readonly kinds: Uint8Array;
  readonly waiters: (W | undefined)[];
  /** Of CHANGED: the two halves of what the word is, when it was looked at. Else 0. */
  readonly lows: Int32Array;
  readonly highs: Int32Array;

  /** @param capacity what one event can lead to */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.waiters = new Array(capacity).fill(undefined);
    this.lows = new Int32Array(capacity);
    this.highs = new Int32Array(capacity);
  }

  push(kind: number, waiter: W, low = 0, high = 0): void {
    this.kinds[this.count] = kind;
    this.waiters[this.count] = waiter;
    this.lows[this.count] = low;
    this.highs[this.count] = high;
    this.count += 1;
  }

  clear(): void {
    for (let i = 0; i < this.count; i += 1) this.waiters[i] = undefined;
    this.count = 0;
  }
}
