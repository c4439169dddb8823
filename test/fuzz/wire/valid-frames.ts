import type { Dice } from "../dice.ts";
import type { Land } from "../oracle/land.ts";
import { EpochFrames } from "./epoch-frames.ts";
import type { EpochNames } from "./epoch-names.ts";
import { ACCESSES, AT, type Batch, OP_COUNT, OPCODES, PAYLOAD_MAX, WORD_SIZES } from "./frame.ts";
import { GroupFrames } from "./group-frames.ts";
import { QueueFrames } from "./queue-frames.ts";

/** Most payloads are short, so that many frames fit a batch. */
const SHORT_BYTES = 400;
/** One in so many reads or writes is as long as can be, where the land is. */
const LONG_ONE_IN = 1500;
const FLOOD_TAGS = 0x6000_0000;
/** Numbers for locks: few, so that they are taken, released and asked for again. */
const LOCKS = 12;
/** Stable flushes in a million flushes: a sync takes as long as a thousand other commands. */
const STABLE_MILLIONTHS = 60_000;

/** Writes commands that a client of ours could send: about lands of its own, inside of them, mostly allowed. */
export class ValidFrames {
  readonly #dice: Dice;
  readonly #lands: readonly Land[];
  readonly #epochs: EpochFrames;
  readonly #queues: QueueFrames;
  readonly #groups: GroupFrames;
  #tag = 0;

  constructor(dice: Dice, lands: readonly Land[], names: EpochNames) {
    this.#dice = dice;
    this.#lands = lands;
    this.#epochs = new EpochFrames(dice, names, lands);
    this.#queues = new QueueFrames(dice, lands);
    this.#groups = new GroupFrames(dice, names.groups, names.isPeaceful);
  }

  /** Bytes that the next frame may need. */
  static readonly ROOM: number = PAYLOAD_MAX + 128;

  /** @returns where the frame lies in `batch` */
  next(batch: Batch): number {
    const dice = this.#dice;
    const land = dice.pick(this.#lands);
    const opcode = this.#epochs.isDue ? OPCODES.EPOCH : dice.pick(ACCESSES);
    this.#tag = (this.#tag + 1) >>> 0;
    const at = batch.header(opcode, this.#tag, land.handle);
    switch (opcode) {
      case OPCODES.GET:
      case OPCODES.PUT:
        this.#move(batch, at, land, opcode);
        break;
      case OPCODES.PUT_NOTIFY:
      case OPCODES.GET_NOTIFY:
        this.#move(batch, at, land, opcode);
        this.#queues.notice(batch, at);
        break;
      case OPCODES.QUEUE_OPEN:
        this.#queues.open(batch, at, land);
        break;
      case OPCODES.QUEUE_CLOSE:
        this.#queues.close(batch, at);
        break;
      case OPCODES.NOTIFY_NEXT:
        this.#queues.next(batch, at);
        break;
      case OPCODES.EPOCH_GET:
        this.#epochs.get(batch, at, land);
        break;
      case OPCODES.EPOCH:
        this.#epochs.message(batch, at);
        break;
      case OPCODES.FLUSH:
        batch.u16(at + AT.flags, Number(dice.millionth(STABLE_MILLIONTHS)));
        break;
      case OPCODES.LOCK:
        this.#lock(batch, at, land);
        break;
      case OPCODES.UNLOCK:
        batch.u32(at + AT.operand, dice.between(1, LOCKS));
        break;
      case OPCODES.WORD_WAIT:
        this.#waitForWord(batch, at, land);
        break;
      case OPCODES.WORDS_TOUCHED:
        batch.u64(at + AT.offset, dice.between(0, land.byteLength));
        batch.u64(at + AT.length, dice.between(0, land.byteLength));
        break;
      case OPCODES.GROUP_JOIN:
      case OPCODES.GROUP_BARRIER:
      case OPCODES.GROUP_LEAVE:
        this.#groups.write(batch, at, opcode);
        break;
      default:
        this.#words(batch, at, land, opcode);
    }
    return at;
  }

  /** Adds what would fill a worker, were there no bounds. */
  flood(batch: Batch): void {
    const begin = (opcode: number): number => {
      this.#tag = (this.#tag + 1) >>> 0;
      return batch.header(opcode, FLOOD_TAGS + this.#tag, 0);
    };
    this.#groups.flood(batch, begin);
    this.#epochs.flood(batch, begin);
    this.#queues.flood(batch, begin);
  }

  #move(batch: Batch, at: number, land: Land, opcode: number): void {
    const dice = this.#dice;
    const most = Math.min(land.byteLength, dice.next() % LONG_ONE_IN === 0 ? PAYLOAD_MAX : SHORT_BYTES);
    const length = dice.percent(50) ? dice.between(0, Math.min(9, most)) : dice.between(0, most);
    batch.u64(at + AT.offset, dice.between(0, land.byteLength - length));
    batch.u64(at + AT.length, length);
    if (opcode === OPCODES.GET || opcode === OPCODES.GET_NOTIFY) return;
    if (length > 8) dice.fill(batch.payload(at, length));
    else this.#operand(batch, at + AT.operand);
  }

  #lock(batch: Batch, at: number, land: Land): void {
    const dice = this.#dice;
    const length = dice.between(1, land.byteLength);
    batch.u16(at + AT.flags, Number(dice.percent(50)));
    batch.u64(at + AT.offset, dice.between(0, land.byteLength - length));
    batch.u64(at + AT.length, length);
    batch.u32(at + AT.operand, dice.between(1, LOCKS));
    batch.u32(at + AT.compare, dice.pick([0, 0, 5, 20]));
  }

  /** Few words, so that waits meet writes and those that take them back. */
  #waitForWord(batch: Batch, at: number, land: Land): void {
    const dice = this.#dice;
    const size = dice.pick([4, 8]);
    const skip = (size - (land.at % size)) % size;
    const places = Math.max(1, Math.floor((land.byteLength - skip) / size));
    batch.u64(at + AT.offset, skip + dice.between(0, Math.min(places, 4) - 1) * size);
    batch.u64(at + AT.length, size);
    if (dice.percent(30)) {
      batch.u16(at + AT.flags, 1);
      return;
    }
    this.#operand(batch, at + AT.operand);
    if (size === 4) batch.u32(at + AT.operand + 4, 0);
    batch.u32(at + AT.compare, dice.pick([0, 5, 20, 50]));
  }

  #words(batch: Batch, at: number, land: Land, opcode: number): void {
    const dice = this.#dice;
    const word = dice.between(0, WORD_SIZES.length - 1);
    const size = WORD_SIZES[word] as number;
    const op = dice.between(0, OP_COUNT - 1);
    batch.u16(at + AT.flags, opcode === OPCODES.COMPARE_AND_SWAP ? word : (op << 4) | word);
    // Where the region, not the land, is aligned.
    const skip = (size - (land.at % size)) % size;
    const places = Math.max(0, Math.floor((land.byteLength - skip) / size));
    const place = dice.between(0, Math.max(0, places - 1));
    batch.u64(at + AT.offset, skip + place * size);
    if (opcode !== OPCODES.ACCUMULATE) {
      batch.u64(at + AT.length, size);
      this.#operand(batch, at + AT.operand);
      // Often nothing is there yet, or what was put there by the same means.
      if (dice.percent(50)) this.#operand(batch, at + AT.compare);
      return;
    }
    const count = Math.min(places - place, dice.between(0, 24));
    batch.u64(at + AT.length, Math.max(0, count) * size);
    if (count > 0) dice.fill(batch.payload(at, count * size));
  }

  /** Few values, so that comparisons match, and all kinds of floats. */
  #operand(batch: Batch, at: number): void {
    const dice = this.#dice;
    if (dice.percent(30))
      batch.view.setFloat64(at, dice.pick([0, -0, 1.5, -1e300, 1e300, Infinity, NaN]), true);
    else if (dice.percent(50))
      batch.view.setBigInt64(at, dice.pick([0n, 1n, -1n, 2n ** 31n, -(2n ** 63n)]), true);
    else {
      batch.u32(at, dice.next());
      batch.u32(at + 4, dice.next());
    }
  }
}
