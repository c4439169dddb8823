import type { Dice } from "../dice.ts";
import { type Land, READ, WRITE } from "../oracle/land.ts";
import { AT, type Batch, HEADER, OPCODES } from "./frame.ts";

/** Few numbers, so that queues are opened again while they are open, and asked when they are not. */
const QUEUES = 6;
const TAGS = 3;
/** Notifications of one session that may wait are fewer. */
const FLOOD = 1400;
/** And commands that wait for one. */
const READERS = 300;
export const QUEUE_BYTES = 64;
export const NOTICE_BYTES = 64;
export const NOTICES_MAX = 64;
export const NOTIFIED_GET_MAX = 65_536;
/** Bytes that a flood takes. */
export const QUEUE_FLOOD_BYTES: number = (FLOOD + READERS + 2) * HEADER + 2 * QUEUE_BYTES;
/** Flags of a queue. */
const COUNTS = 1;
const ANY_TAG = 2;
const ANY_SOURCE = 4;
const ON_BOARD = 8;
/** Of PUT_NOTIFY: the bytes are in place. */
const PLACED = 1;

/** Writes commands about queues of notifications, and the notifying part of accesses. */
export class QueueFrames {
  readonly #dice: Dice;
  readonly #lands: readonly Land[];

  constructor(dice: Dice, lands: readonly Land[]) {
    this.#dice = dice;
    this.#lands = lands;
  }

  /** The access that lies at `at` notifies. */
  notice(batch: Batch, at: number): void {
    const dice = this.#dice;
    batch.u32(at + AT.notification, dice.percent(90) ? dice.between(0, TAGS) : dice.next());
    const isPut = batch.bytes[at + AT.opcode] === OPCODES.PUT_NOTIFY;
    if (isPut && dice.percent(15)) {
      // Whatever was to be put there.
      batch.u16(at + AT.flags, PLACED);
      batch.u32(at + AT.payloadBytes, 0);
      batch.cut(at + HEADER);
    }
    if (dice.percent(10)) batch.u64(at + AT.compare, dice.pick([1, 2 ** 20, 2 ** 32, 2 ** 53 - 2 ** 20 - 1]));
    else if (dice.percent(5)) batch.u64(at + AT.compare, dice.pick([2 ** 53 - 2 ** 20, 2 ** 53, 2 ** 63]));
  }

  open(batch: Batch, at: number, land: Land): void {
    const dice = this.#dice;
    batch.u64(at + AT.length, QUEUE_BYTES);
    const payload = batch.payload(at, QUEUE_BYTES);
    payload.fill(0);
    const view = new DataView(payload.buffer, payload.byteOffset, QUEUE_BYTES);
    const isInside = dice.percent(95);
    const length = dice.between(0, land.byteLength);
    const from = isInside
      ? dice.between(0, land.byteLength - length)
      : dice.pick([land.byteLength + 1, 2 ** 40]);
    view.setBigUint64(0, BigInt(from), true);
    view.setBigUint64(8, BigInt(isInside ? length : dice.pick([0, 2 ** 31, 2 ** 53])), true);
    view.setUint32(16, dice.between(1, QUEUES), true);
    const kind =
      (dice.percent(30) ? COUNTS : 0) |
      (dice.percent(70) ? ANY_TAG : 0) |
      (dice.percent(90) ? ANY_SOURCE : 0);
    // Nobody here has a board: such a queue is one like any other.
    const mayBeThere = (kind & (COUNTS | ANY_SOURCE)) === ANY_SOURCE;
    const flags = kind | (mayBeThere && dice.percent(40) ? ON_BOARD : 0);
    view.setUint32(24, flags, true);
    if ((flags & COUNTS) === 0)
      view.setUint32(20, dice.percent(95) ? dice.between(1, 8) : dice.pick([0, 16_385]), true);
    if ((flags & ANY_TAG) === 0) view.setUint32(28, dice.between(0, TAGS), true);
    if ((flags & ANY_SOURCE) === 0) dice.fill(payload.subarray(32));
    if (dice.percent(4)) this.#spoil(view);
  }

  /** Nothing that could be meant. */
  #spoil(view: DataView): void {
    const dice = this.#dice;
    view.setUint32(24, dice.pick([ON_BOARD, ON_BOARD | ANY_SOURCE | COUNTS, 16, 2 ** 31, 2 ** 32 - 1]), true);
  }

  /** More than may wait: signs for a queue that nobody reads, and readers of one that nobody notifies. */
  flood(batch: Batch, begin: (opcode: number) => number): void {
    const { handle } = this.#dice.pick(this.#lands.filter(({ rights }) => rights === (READ | WRITE)));
    const full = QUEUES + 1;
    const empty = QUEUES + 2;
    for (const number of [full, empty]) {
      const open = begin(OPCODES.QUEUE_OPEN);
      batch.u32(open + AT.handle, handle);
      batch.u64(open + AT.length, QUEUE_BYTES);
      const payload = batch.payload(open, QUEUE_BYTES);
      payload.fill(0);
      const view = new DataView(payload.buffer, payload.byteOffset, QUEUE_BYTES);
      view.setUint32(8, 1, true);
      view.setUint32(16, number, true);
      view.setUint32(20, 1, true);
      view.setUint32(24, number === full ? ANY_TAG | ANY_SOURCE : ANY_SOURCE, true);
      view.setUint32(28, number === full ? 0 : TAGS + 1, true);
    }
    for (let i = 0; i < READERS; i += 1) {
      const at = begin(OPCODES.NOTIFY_NEXT);
      batch.u32(at + AT.operand, empty);
      batch.u64(at + AT.length, NOTICE_BYTES);
      batch.u32(at + AT.compare, 500);
    }
    for (let i = 0; i < FLOOD; i += 1) batch.u32(begin(OPCODES.PUT_NOTIFY) + AT.handle, handle);
  }

  close(batch: Batch, at: number): void {
    batch.u32(at + AT.operand, this.#dice.between(1, QUEUES));
  }

  next(batch: Batch, at: number): void {
    const dice = this.#dice;
    batch.u32(at + AT.operand, dice.between(1, QUEUES));
    batch.u64(at + AT.length, dice.pick([1, 1, 2, 8, NOTICES_MAX]) * NOTICE_BYTES);
    batch.u32(at + AT.compare, dice.pick([0, 0, 5, 20]));
  }
}
