import type { Memory } from "../ports/memory.ts";
import {
  BOARD_LANES,
  type BoardNotice,
  isEarlier,
  isPublished,
  laneSerial,
  laneSource,
  lanesGiven,
  noticeStamp,
  RING_SLOTS,
  readNotice,
  setTakenCount,
  takenCount,
  toldByWorker,
} from "../structs/notice-board.ts";
import type { Notice } from "../wire/notifications.ts";

const NONE = -1;
/** More than may lie there that is for another queue, of which the places may have been someone's. */
const DROPS_MAX = BOARD_LANES * RING_SLOTS;

/** What a queue on a board tells: what others wrote there, and what came from the worker, in the order of their stamps. */
export class NoticeReader {
  #board: () => Memory | undefined;
  readonly #queue: number;
  readonly #range: { readonly at: number; readonly end: number; readonly tag: number | undefined };
  /** By lane: of the next notification, and who owns it. */
  readonly #next: Int32Array = new Int32Array(BOARD_LANES);
  readonly #serials: Int32Array = new Int32Array(BOARD_LANES);
  readonly #sources: string[] = new Array(BOARD_LANES).fill("");
  readonly #notice: BoardNotice = { at: 0, before: 0, length: 0, tag: 0 };
  /** From the worker: in the order of coming, and how many there were. */
  readonly #brought: Notice[] = [];
  #broughtCount = 0;

  /** @param board undefined once it is not mapped any more @param range of the region, which the queue lets in */
  constructor(
    board: () => Memory | undefined,
    queue: number,
    range: { readonly at: number; readonly end: number; readonly tag: number | undefined },
  ) {
    this.#board = board;
    this.#queue = queue;
    this.#range = range;
    const words = board()?.i32;
    if (words === undefined) return;
    for (let lane = 0; lane < BOARD_LANES; lane += 1) this.#next[lane] = takenCount(words, queue, lane);
  }

  /** From now on the rings are left alone, which may be another queue's soon. */
  close(): void {
    this.#board = () => undefined;
  }

  /** Takes what the worker has told. */
  bring(notices: readonly Notice[]): void {
    this.#brought.push(...notices);
    this.#broughtCount = (this.#broughtCount + notices.length) | 0;
  }

  /** How many notifications the worker says it has told. */
  get toldCount(): number {
    const words = this.#board()?.i32;
    return words === undefined ? this.#broughtCount : toldByWorker(words, this.#queue);
  }

  /** The worker had nothing more, and was asked when it said `told`: whoever else has written that must not hold up what lies here. */
  hasBrought(told: number): void {
    this.#broughtCount = told;
  }

  /** True where nothing more can be told before the worker has brought what it has told. */
  get awaitsWorker(): boolean {
    return this.#brought.length === 0 && this.isBehind;
  }

  /** True where the worker has told of more than was brought. */
  get isBehind(): boolean {
    return this.toldCount !== this.#broughtCount;
  }

  /** True where something lies in a ring. */
  get hasNews(): boolean {
    const words = this.#board()?.i32;
    if (words === undefined) return false;
    const lanes = lanesGiven(words);
    for (let lane = 0; lane < lanes; lane += 1) if (this.#isNews(words, lane)) return true;
    return false;
  }

  #isNews(words: Int32Array, lane: number): boolean {
    return isPublished(words, this.#queue, lane, this.#next[lane] as number);
  }

  /**
   * The next notification. What lies in rings is looked at twice: what was there at the first look may be the effect of
   * something that came later into a ring that had been looked at before, or from the worker; the second look finds that.
   * @returns undefined where there is none, or the worker is to be asked first; also once the board is gone, for what was
   *   brought might come behind something that lies there
   */
  next(): Notice | undefined {
    const memory = this.#board();
    if (memory === undefined) return undefined;
    for (let drops = 0; this.hasNews; drops += 1) {
      const brought = this.#brought[0];
      if (drops > DROPS_MAX || (brought === undefined && this.isBehind)) return undefined;
      const lane = this.#oldest(memory.i32);
      // Somebody has taken back what was there.
      if (lane === NONE) continue;
      const stamp = this.#stampOf(memory.i32, lane);
      if (brought !== undefined && isEarlier(brought.stamp, stamp)) break;
      const notice = this.#take(memory, lane, stamp);
      if (notice !== undefined) return notice;
    }
    return this.#brought.shift();
  }

  /** The lane with the earliest stamp, or NONE. */
  #oldest(words: Int32Array): number {
    let oldest = NONE;
    let earliest = 0;
    const lanes = lanesGiven(words);
    for (let lane = 0; lane < lanes; lane += 1) {
      if (!this.#isNews(words, lane)) continue;
      const stamp = this.#stampOf(words, lane);
      if (oldest !== NONE && !isEarlier(stamp, earliest)) continue;
      oldest = lane;
      earliest = stamp;
    }
    return oldest;
  }

  #stampOf(words: Int32Array, lane: number): number {
    return noticeStamp(words, this.#queue, lane, this.#next[lane] as number);
  }

  /** @returns undefined for what was meant for a queue that was here before */
  #take({ i32: words, u8 }: Memory, lane: number, stamp: number): Notice | undefined {
    const number = this.#next[lane] as number;
    const notice = this.#notice;
    readNotice(words, this.#queue, lane, number, notice);
    const source = this.#sourceOf(words, u8, lane);
    this.#next[lane] = (number + 1) | 0;
    setTakenCount(words, this.#queue, lane, (number + 1) | 0);
    const { at, before, length, tag } = notice;
    const range = this.#range;
    const isOurs = at < range.end && at + Math.max(length, 1) > range.at && (range.tag ?? tag) === tag;
    return isOurs ? { at, before, length, tag, source, sequence: number, stamp } : undefined;
  }

  #sourceOf(words: Int32Array, bytes: Uint8Array, lane: number): string {
    const serial = laneSerial(words, lane);
    if (serial !== this.#serials[lane]) {
      this.#sources[lane] = laneSource(bytes, lane);
      this.#serials[lane] = serial;
    }
    return this.#sources[lane] as string;
  }
}
