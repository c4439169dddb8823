import { DidafsError, partlyApplied } from "../std/errors.ts";
import { BOARD_QUEUES } from "../structs/notice-board.ts";
import { OPCODE } from "../wire/header.ts";
import { encodeQueue, NOTICE_BYTES, NOTICES_MAX, type QueueRequest } from "../wire/notifications.ts";
import { NOTIFY_PLACED } from "../wire/ops.ts";
import type { BoardAccess } from "./board-access.ts";
import { abortError, type CallLimits } from "./call-limits.ts";
import type { NoticeReader } from "./notice-reader.ts";
import type { RemoteLink } from "./remote-link.ts";
import { INLINE_BYTES, RemoteBinding, Transfer } from "./transfer.ts";
import { Waiter } from "./waiter.ts";

/** Nothing else ends a wait for the next notification: whatever comes must not be lost. */
const UNLIMITED: CallLimits = { timeoutMs: Number.POSITIVE_INFINITY, signal: undefined };
const TWO_32 = 2 ** 32;
const DONE: Promise<void> = Promise.resolve();
/** After so many without a message the event loop turns, which promises alone would keep it from. */
const IN_A_ROW_MAX = 64;

/** The notification that an access comes with. */
export interface Announcement {
  /** A u32. */
  readonly tag: number;
  /** Bytes of the access that earlier calls have moved. */
  readonly before: number;
  /** Is told when the command is on its way: from then on it takes effect in its order. */
  issued(): void;
}

/** What has become of a put that notifies, where the region is mapped for storing. */
export const MAPPED_PUT = {
  /** Nothing yet. */
  NOTHING: 0,
  /** Its bytes are in place, and the worker is to tell. */
  STORED: 1,
  /** Whoever is to be told finds it on the board, but the worker is to wake somebody. */
  TOLD: 2,
  DONE: 3,
} as const;

/** A region that is mapped for storing, and its board. */
export interface MappedPuts {
  readonly board: BoardAccess;
  /** @returns one of MAPPED_PUT @throws ERR_RANGE, ERR_CLOSED, ERR_SESSION_LOST */
  putMapped(at: number, from: Uint8Array, before: number, tag: number): number;
  /** Lets the worker look who waits for these bytes, or for a notification. */
  touched(at: number, length: number, limits: CallLimits): Promise<void>;
}

/** A command that is on its way. */
interface Issued {
  readonly transfer: Transfer;
  readonly running: Promise<void>;
}

/** What NotifiedAccess needs of the binding that it belongs to. */
export interface NotifiedBinding {
  readonly link: RemoteLink;
  readonly binding: RemoteBinding;
  /** @throws ERR_CLOSED, ERR_SESSION_LOST */
  checkOpen(): void;
  failureOf(transfer: Transfer): DidafsError | undefined;
}

/**
 * Accesses of one binding that notify, and queues that are opened through it. All of it goes to the region's home, but for puts
 * and queues where the region is mapped for storing: they use its board, as far as they can. `at` is relative to the
 * binding; callers have checked range and rights.
 */
export class NotifiedAccess {
  /** From the first access on, where that is so. */
  mapped: MappedPuts | undefined = undefined;
  /** Queues that are being opened, and what those of them wait for that need the board. */
  #opening = 0;
  #fetching: Promise<unknown> | undefined;
  #inARow = 0;
  readonly #of: NotifiedBinding;
  /** Of what concerns queues: it is no access that is under way. */
  readonly #queues: RemoteBinding;

  constructor(of: NotifiedBinding) {
    this.#of = of;
    this.#queues = new RemoteBinding(of.binding.handle);
  }

  /** @param from MAX_PAYLOAD_BYTES at most @throws also at once */
  put(at: number, from: Uint8Array, announcement: Announcement, limits: CallLimits): Promise<void> {
    const { mapped } = this;
    if (mapped === undefined) return this.#notify(OPCODE.PUT_NOTIFY, 0, at, from, announcement, limits);
    if (this.#fetching !== undefined) return this.#putBehindOpening(at, from, announcement, limits);
    const { signal } = limits;
    if (signal?.aborted === true) throw abortError(signal, "no");
    // None of them overtakes another, or a queue that the board has not yet.
    const isAlone = this.#opening === 0 && this.#of.link.notifying.isFree;
    const { tag, before } = announcement;
    const outcome = isAlone ? mapped.putMapped(at, from, before, tag) : MAPPED_PUT.NOTHING;
    if (outcome === MAPPED_PUT.NOTHING)
      return this.#notify(OPCODE.PUT_NOTIFY, 0, at, from, announcement, limits);
    if (outcome === MAPPED_PUT.STORED) return this.#tellPlaced(at, from, announcement, limits);
    announcement.issued();
    if (outcome === MAPPED_PUT.TOLD) return mapped.touched(at, from.byteLength, limits);
    this.#inARow += 1;
    return this.#inARow % IN_A_ROW_MAX === 0 ? this.#of.link.pump.turn() : DONE;
  }

  /** A queue is told of what is put behind the call that opens it. */
  async #putBehindOpening(at: number, from: Uint8Array, announcement: Announcement, limits: CallLimits) {
    const { link } = this.#of;
    const endMs = link.clock.nowMs() + limits.timeoutMs;
    const opened = new Waiter([link]);
    void this.#fetching?.then(() => opened.settle());
    await link.pump.land(opened, limits);
    const left = { ...limits, timeoutMs: Math.max(1, endMs - link.clock.nowMs()) };
    await this.put(at, from, announcement, left);
  }

  /** Has the worker tell of bytes that are in place. */
  async #tellPlaced(at: number, from: Uint8Array, announcement: Announcement, limits: CallLimits) {
    try {
      await this.#notify(OPCODE.PUT_NOTIFY, NOTIFY_PLACED, at, from, announcement, limits);
    } catch (error) {
      throw partlyApplied(error);
    }
  }

  /** @param into NOTIFIED_GET_BYTES_MAX at most */
  get(at: number, into: Uint8Array, announcement: Announcement, limits: CallLimits): Promise<void> {
    return this.#notify(OPCODE.GET_NOTIFY, 0, at, into, announcement, limits);
  }

  /** Where there is room it is on its way at once, so that what is issued behind it stays behind it. */
  async #notify(
    opcode: number,
    flags: number,
    at: number,
    bytes: Uint8Array,
    { tag, before, issued }: Announcement,
    limits: CallLimits,
  ): Promise<void> {
    const { link } = this.#of;
    const { notifying, clock } = link;
    let left = limits;
    if (!notifying.tryEnter()) {
      const endMs = clock.nowMs() + limits.timeoutMs;
      await notifying.enter(link, limits);
      left = { ...limits, timeoutMs: Math.max(1, endMs - clock.nowMs()) };
    }
    const transfer = new Transfer().reset(opcode, flags, at, bytes.byteLength);
    try {
      this.#of.checkOpen();
      if (flags !== NOTIFY_PLACED) {
        transfer.lend(bytes, 0);
        if (bytes.byteLength > INLINE_BYTES) transfer.address = link.memory.addressOf(bytes);
      }
      transfer.notification = tag;
      transfer.compareLow = before | 0;
      transfer.compareHigh = (before / TWO_32) | 0;
      const running = this.#run(transfer, this.#of.binding, left);
      issued();
      await running;
    } finally {
      // One that was given up waits still, and needs its place on the connection.
      if (transfer.abandoned && !transfer.settled) transfer.onSettled = () => notifying.leave();
      else notifying.leave();
    }
  }

  /**
   * Opens a queue on a range of the binding, on the region's board where it may be there.
   * @returns what reads it there @throws ERR_TOO_MANY
   */
  async openQueue(
    request: Omit<QueueRequest, "onBoard">,
    limits: CallLimits,
  ): Promise<NoticeReader | undefined> {
    this.#of.checkOpen();
    this.#opening += 1;
    try {
      return await this.#openQueue(request, limits);
    } finally {
      this.#opening -= 1;
    }
  }

  async #openQueue(
    request: Omit<QueueRequest, "onBoard">,
    limits: CallLimits,
  ): Promise<NoticeReader | undefined> {
    const { at, length, capacity, source, tag } = request;
    const board = capacity === undefined || source !== undefined ? undefined : this.mapped?.board;
    const { transfer, running } = await this.#issueOpening(request, board, limits);
    await running;
    const place = (transfer.valueLow >>> 0) - 1;
    if (board === undefined || place < 0) return undefined;
    if (place < BOARD_QUEUES) return board.read(place, { at, end: at + length, tag });
    const { target } = this.#of.link.session;
    throw new DidafsError("ERR_PROTOCOL", `target ${target} gives a queue a place that no board has`, {
      target,
    });
  }

  /** It leaves at once, but where the board is to be fetched first; then puts wait until it has left. */
  #issueOpening(
    request: Omit<QueueRequest, "onBoard">,
    board: BoardAccess | undefined,
    limits: CallLimits,
  ):
    | { transfer: Transfer; running: Promise<void> }
    | Promise<{ transfer: Transfer; running: Promise<void> }> {
    const { clock } = this.#of.link;
    if (board === undefined || board.writer !== undefined)
      return this.#issue({ ...request, onBoard: board !== undefined }, limits);
    const endMs = clock.nowMs() + limits.timeoutMs;
    const issuing = board.ready(limits).then((onBoard) => {
      this.#of.checkOpen();
      const left = { ...limits, timeoutMs: Math.max(1, endMs - clock.nowMs()) };
      return this.#issue({ ...request, onBoard }, left);
    });
    const fetching = Promise.allSettled([this.#fetching, issuing]);
    this.#fetching = fetching;
    void fetching.then(() => {
      if (this.#fetching === fetching) this.#fetching = undefined;
    });
    return issuing;
  }

  #issue(request: QueueRequest, limits: CallLimits): Issued {
    const payload = encodeQueue(request);
    const transfer = new Transfer().reset(OPCODE.QUEUE_OPEN, 0, 0, payload.length).lend(payload, 0);
    transfer.address = this.#of.link.memory.addressOf(payload);
    return { transfer, running: this.#run(transfer, this.#queues, limits) };
  }

  /** @throws ERR_CLOSED, ERR_SESSION_LOST */
  checkOpen(): void {
    this.#of.checkOpen();
  }

  /** @param number of the queue, as it was opened */
  async closeQueue(number: number, limits: CallLimits): Promise<void> {
    // It ends with the session.
    if (this.#of.link.session.isLost) return;
    const transfer = new Transfer().reset(OPCODE.QUEUE_CLOSE, 0, 0, 0);
    transfer.operandLow = number | 0;
    await this.#run(transfer, this.#queues, limits);
  }

  /**
   * Waits at the home for what comes next, `waitMs` at most.
   * @returns notices (wire/notifications.ts) of a list, and how many there were; of both kinds 0 where nothing came
   */
  async next(
    number: number,
    waitMs: number,
  ): Promise<{ readonly count: number; readonly notices: Uint8Array<ArrayBuffer> }> {
    this.#of.checkOpen();
    const notices = new Uint8Array(NOTICES_MAX * NOTICE_BYTES);
    const transfer = new Transfer().reset(OPCODE.NOTIFY_NEXT, 0, 0, notices.length).lend(notices, 0);
    transfer.address = this.#of.link.memory.addressOf(notices);
    transfer.operandLow = number | 0;
    transfer.compareLow = Math.max(0, Math.min(Math.ceil(waitMs), 2 ** 31));
    await this.#run(transfer, this.#queues, UNLIMITED);
    const count = (transfer.valueLow >>> 0) + (transfer.valueHigh >>> 0) * TWO_32;
    return { count, notices: notices.subarray(0, transfer.answerBytes) };
  }

  #run(transfer: Transfer, binding: RemoteBinding, limits: CallLimits): Promise<void> {
    const { connection, pump } = this.#of.link;
    transfer.binding = binding;
    return pump.run(connection, transfer, limits, (settled) => this.#of.failureOf(settled));
  }
}
