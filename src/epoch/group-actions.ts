/** What becomes of commands. Each is the answer to one, and the only one. */
export const GROUP_ACTION = {
  /** To `join`: all have come; see `ranks`, `sizes` and `groups`. */
  JOINED: 0,
  /** To `barrier`: all members have come to it. */
  PASSED: 1,
  /** To any: the group has ended; `ranks` says through whom. */
  BROKEN: 2,
  /** To `join`: not all came in time. To `barrier`, that may not wait: not all are there. It is as if nobody had asked. */
  TIMED_OUT: 3,
  /** To what waited: its own session has left, or waits for nothing any more. */
  CANCELLED: 4,
  /** To `join`: the group has another size. To `barrier`: another round is due. */
  MISMATCH: 5,
  /** To `join`: the rank, or each of them, is somebody's. */
  TAKEN: 6,
  /** To `join`: the session is a member, or waits to be one. To `barrier`: it is there already. */
  REPEATED: 7,
  /** To `barrier`: the session is no member of a group of that number. */
  UNKNOWN: 8,
  /** To `join`: a limit is reached, or no group can be so. */
  REFUSED: 9,
} as const;

/** What an event led to, to be carried out before the next event; entries are used again. */
export class GroupActions<W> {
  count = 0;
  readonly kinds: Uint8Array;
  readonly waiters: (W | undefined)[];
  /** Of JOINED: the member's own rank. Of BROKEN: the rank that ended the group. Else 0. */
  readonly ranks: Int32Array;
  /** Of JOINED: how many members there are. Else 0. */
  readonly sizes: Int32Array;
  /** Of JOINED: the group's number, which no other one of this table has or had. Else 0. */
  readonly groups: Float64Array;

  /** @param capacity what one event can lead to */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.waiters = new Array(capacity).fill(undefined);
    this.ranks = new Int32Array(capacity);
    this.sizes = new Int32Array(capacity);
    this.groups = new Float64Array(capacity);
  }

  push(kind: number, waiter: W, rank = 0, size = 0, group = 0): void {
    this.kinds[this.count] = kind;
    this.waiters[this.count] = waiter;
    this.ranks[this.count] = rank;
    this.sizes[this.count] = size;
    this.groups[this.count] = group;
    this.count += 1;
  }

  clear(): void {
    for (let i = 0; i < this.count; i += 1) this.waiters[i] = undefined;
    this.count = 0;
  }
}
