import {
  BOARD_QUEUES,
  type BoardQueue,
  boardQueue,
  boardVersion,
  isAsleep,
  otherQueues,
  publishNotice,
  takenCount,
  takeStamp,
  unpublishedFrom,
} from "../structs/notice-board.ts";

/** Nobody on the board, and nobody else, is to be told. */
export const NOBODY = -1;
/** The worker is to tell: whoever is to be told is not one queue of the board that has room. */
export const WORKER = -2;

/** No board has this one: it is odd. */
const UNKNOWN = 1;

/** The side of a board that tells: one lane of it, which nobody else writes. */
export class NoticeWriter {
  readonly #words: Int32Array;
  readonly #lane: number;
  #version = UNKNOWN;
  readonly #queues: (BoardQueue | undefined)[] = new Array(BOARD_QUEUES).fill(undefined);
  #others = 0;
  /** By queue: of its ring's next notification, and of the oldest that was not taken as far as is known. */
  readonly #next: Int32Array = new Int32Array(BOARD_QUEUES);
  readonly #taken: Int32Array = new Int32Array(BOARD_QUEUES);

  constructor(words: Int32Array, lane: number) {
    this.#words = words;
    this.#lane = lane;
    for (let queue = 0; queue < BOARD_QUEUES; queue += 1) {
      const taken = takenCount(words, queue, lane);
      this.#taken[queue] = taken;
      this.#next[queue] = unpublishedFrom(words, queue, lane, taken);
    }
  }

  /** Who is to be told of an access: a queue that has room, NOBODY or WORKER. */
  route(at: number, length: number, tag: number): number {
    if (boardVersion(this.#words) !== this.#version && !this.#refresh()) return WORKER;
    if (this.#others !== 0) return WORKER;
    const end = at + Math.max(length, 1);
    let found = NOBODY;
    let room = 0;
    for (let i = 0; i < BOARD_QUEUES; i += 1) {
      const queue = this.#queues[i];
      if (queue === undefined || at >= queue.end || end <= queue.at) continue;
      if (queue.tag !== undefined && queue.tag !== tag) continue;
      if (found !== NOBODY) return WORKER;
      found = i;
      room = queue.room;
    }
    return found !== NOBODY && !this.#hasRoom(found, room) ? WORKER : found;
  }

  /** @returns whether what is known is of one version */
  #refresh(): boolean {
    const version = boardVersion(this.#words);
    this.#version = UNKNOWN;
    if (version % 2 !== 0) return false;
    this.#others = otherQueues(this.#words);
    for (let i = 0; i < BOARD_QUEUES; i += 1) this.#queues[i] = boardQueue(this.#words, i);
    if (boardVersion(this.#words) !== version) return false;
    this.#version = version;
    return true;
  }

  #hasRoom(queue: number, room: number): boolean {
    const next = this.#next[queue] as number;
    if ((next - (this.#taken[queue] as number)) >>> 0 < room) return true;
    this.#taken[queue] = takenCount(this.#words, queue, this.#lane);
    return (next - (this.#taken[queue] as number)) >>> 0 < room;
  }

  /**
   * Tells of an access whose bytes have been stored.
   * @param route as it was found before @param before bytes of the access that were put by themselves
   * @returns false where queues have come or gone since: then the worker is to tell
   */
  tell(route: number, at: number, length: number, before: number, tag: number): boolean {
    // In this order: who opens a queue, and then reads, finds the bytes, or is seen here.
    const stamp = takeStamp(this.#words);
    if (boardVersion(this.#words) !== this.#version) return false;
    if (route === NOBODY) return true;
    const next = this.#next[route] as number;
    publishNotice(this.#words, route, this.#lane, next, stamp, at, before, length, tag);
    this.#next[route] = (next + 1) | 0;
    return true;
  }

  /** True where whoever was told waits at the worker, which is to wake him. */
  isAsleep(route: number): boolean {
    return route >= 0 && isAsleep(this.#words, route);
  }
}
