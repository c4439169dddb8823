import type { LockClaim } from "./lock-request.ts";

/** What becomes of requests. All but the last two are the answer to one request. */
export const LOCK_ACTION = {
  GRANTED: 0,
  /** A try that would have had to wait. */
  BUSY: 1,
  TIMED_OUT: 2,
  /** The chosen victim of a circle; see `cycles`. */
  DEADLOCKED: 3,
  /** Taken back while it waited. */
  CANCELLED: 4,
  /** A limit is reached. */
  REFUSED: 5,
  /** The session has a request of that number. */
  REPEATED: 6,
  /** Somebody has waited so long that the circle, if there is one, goes over other tables. */
  SUSPECTED: 7,
} as const;

/** What an event led to, to be carried out before the next event; entries are used again. */
export class LockActions<W> {
  count = 0;
  readonly kinds: Uint8Array;
  readonly waiters: (W | undefined)[];
  /** Of a DEADLOCKED one: who waits in the circle, each for the next one or its owner, the last for the first's owner. */
  readonly cycles: (readonly LockClaim[] | undefined)[];

  /** @param capacity what one event can lead to */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.waiters = new Array(capacity).fill(undefined);
    this.cycles = new Array(capacity).fill(undefined);
  }

  push(kind: number, waiter: W | undefined, cycle?: readonly LockClaim[]): void {
    this.kinds[this.count] = kind;
    this.waiters[this.count] = waiter;
    this.cycles[this.count] = cycle;
    this.count += 1;
  }

  clear(): void {
    for (let i = 0; i < this.count; i += 1) {
      this.waiters[i] = undefined;
      this.cycles[i] = undefined;
    }
    this.count = 0;
  }
}
