import type { Dice } from "../dice.ts";
import { type Land, READ, WRITE } from "../oracle/land.ts";
import type { EpochNames } from "./epoch-names.ts";
import {
  EPOCH_GET_MAX,
  type EpochPart,
  type EpochRead,
  type EpochTelling,
  type EpochWho,
  type EpochWrite,
  epochPayloadBytes,
  HEAD,
  KINDS,
  LINE,
  lineCountOf,
  OTHERS_MAX,
  putEpochPayload,
} from "./epoch-payload.ts";
import { AT, type Batch, OPCODES } from "./frame.ts";

const SHORT_BYTES = 300;
// In a million messages.
/** A sync takes as long as a thousand other commands. */
const STABLE_MILLIONTHS = 20_000;
/** Promised, and never spoken of again: what waits for its lines waits until the target asks. */
const FORGOTTEN_MILLIONTHS = 500;
const MALFORMED_MILLIONTHS = 30_000;
/** What is held holds others up, so it is lines of nobody else. */
const CONTESTED_MILLIONTHS = 20_000;

/** More than one session may have under way. */
const FLOOD = 1150;
/** Writes in a message: of three such nearly as much as one session may have, and of many small ones more than that. */
const HEAP = 60_000;
const SMALL_HEAP = 1000;
const HEAPS = 150;
/** Bytes that a flood may take. */
export const FLOOD_BYTES: number = 3 * 16 * HEAP + HEAPS * 16 * SMALL_HEAP + FLOOD * 200;

const NOTHING = new Uint8Array(0);

/** What an origin would say next of an epoch that it has begun. */
interface Plan {
  readonly kind: number;
  readonly name: EpochWho;
  readonly decider: EpochPart;
}

/** Writes EPOCH and EPOCH_GET commands: mostly right, often refused, each kind of message and each reason in turn. */
export class EpochFrames {
  readonly #dice: Dice;
  readonly #names: EpochNames;
  readonly #lands: readonly Land[];
  /** Lands whose lines nobody else uses. */
  readonly #alone: readonly Land[];
  readonly #shared: readonly Land[];
  readonly #plans: Plan[] = [];

  /** @param lands all that the connection writes frames about */
  constructor(dice: Dice, names: EpochNames, lands: readonly Land[]) {
    this.#dice = dice;
    this.#names = names;
    this.#lands = lands;
    this.#alone = lands.filter(({ hasLinesAlone }) => hasLinesAlone);
    this.#shared = lands.filter(({ hasLinesAlone }) => !hasLinesAlone);
  }

  /** Something is held until the next message: whoever writes there before waits for itself. */
  get isDue(): boolean {
    return this.#plans.length > 0;
  }

  get(batch: Batch, at: number, land: Land): void {
    const dice = this.#dice;
    const most = Math.min(land.byteLength, dice.percent(2) ? EPOCH_GET_MAX : SHORT_BYTES);
    const length = dice.between(Number(dice.percent(95)), most);
    const offset = dice.between(0, land.byteLength - length);
    batch.u64(at + AT.offset, offset);
    batch.u64(at + AT.operand, length);
    batch.u64(at + AT.length, length + 8 * lineCountOf(land.at + offset, length));
  }

  message(batch: Batch, at: number): void {
    const plan = this.#plans.shift();
    const message = plan === undefined ? this.#anything() : this.#planned(plan);
    const bytes = epochPayloadBytes(message);
    batch.u32(at + AT.handle, 0);
    batch.u64(at + AT.length, bytes);
    const payload = batch.payload(at, bytes);
    putEpochPayload(payload, message);
    if (plan === undefined && this.#dice.millionth(MALFORMED_MILLIONTHS)) this.#spoil(payload);
  }

  #anything(): EpochTelling {
    const dice = this.#dice;
    const drawn = dice.next() % 100;
    if (this.#names.isPeaceful) return drawn < 70 ? this.#commitAlone() : this.#prepare();
    if (drawn < 30) return this.#commitAlone();
    if (drawn < 55) return this.#prepare();
    if (drawn < 65) return this.#more();
    if (drawn < 72) return this.#validate();
    const kind = dice.pick([
      KINDS.DECIDE,
      KINDS.FINISH_COMMITTED,
      KINDS.FINISH_ABORTED,
      KINDS.LEAVE,
      KINDS.ACKNOWLEDGE,
    ]);
    const many = dice.percent(10) ? OTHERS_MAX + dice.between(0, 5) : dice.between(0, 2);
    const others = Array.from({ length: many }, () => this.#names.participant(dice));
    return { ...this.#empty(kind, this.#names.any(this, dice)), others };
  }

  #planned({ kind, name, decider }: Plan): EpochTelling {
    const dice = this.#dice;
    const others =
      kind === KINDS.DECIDE || kind === KINDS.ACKNOWLEDGE
        ? Array.from({ length: dice.between(0, 2) }, () => this.#names.participant(dice))
        : [];
    return { ...this.#empty(kind, name), decider, others };
  }

  #empty(kind: number, name: EpochWho): EpochTelling {
    return { kind, stable: false, name, decider: this.#names.self, reads: [], writes: [], others: [] };
  }

  #commitAlone(): EpochTelling {
    const dice = this.#dice;
    const { isPeaceful } = this.#names;
    const isAny = !isPeaceful && dice.percent(10);
    const name = isAny ? this.#names.any(this, dice) : this.#names.next(this, dice.percent(50));
    const decider = isPeaceful || dice.percent(95) ? this.#names.self : this.#names.decider(dice);
    const message = { ...this.#empty(KINDS.COMMIT_ALONE, name), decider };
    return { ...message, ...this.#claim(dice.percent(70) ? this.#alone : this.#lands) };
  }

  #validate(): EpochTelling {
    const message = { ...this.#commitAlone(), kind: KINDS.VALIDATE };
    return this.#dice.percent(80) ? { ...message, writes: [] } : message;
  }

  #prepare(): EpochTelling {
    const dice = this.#dice;
    const { isPeaceful } = this.#names;
    const isAny = !isPeaceful && dice.percent(15);
    const name = isAny ? this.#names.any(this, dice) : this.#names.next(this, dice.percent(50));
    const decider = isPeaceful ? this.#names.self : this.#names.decider(dice);
    this.#plan(name, decider);
    const lands = dice.millionth(CONTESTED_MILLIONTHS) ? this.#shared : this.#alone;
    return { ...this.#empty(KINDS.PREPARE, name), decider, ...this.#claim(lands) };
  }

  /** What follows a promise, at once; now and then nothing does. */
  #plan(name: EpochWho, decider: EpochPart): void {
    const dice = this.#dice;
    if (!this.#names.isPeaceful && dice.millionth(FORGOTTEN_MILLIONTHS)) return;
    const decides = decider === this.#names.self;
    const kind = dice.percent(70)
      ? decides
        ? KINDS.DECIDE
        : KINDS.FINISH_COMMITTED
      : dice.pick([KINDS.FINISH_ABORTED, KINDS.LEAVE]);
    this.#plans.push({ kind, name, decider });
    // Two that are held at a time do not come to an end in their order.
    if (kind === KINDS.DECIDE && dice.percent(40))
      this.#plans.push({ kind: KINDS.ACKNOWLEDGE, name, decider });
  }

  #more(): EpochTelling {
    const dice = this.#dice;
    const name = this.#names.next(this, false);
    const kind = dice.pick([
      KINDS.PREPARE,
      KINDS.COMMIT_ALONE,
      KINDS.VALIDATE,
      KINDS.LEAVE,
      KINDS.FINISH_ABORTED,
    ]);
    if (dice.percent(80)) this.#plans.push({ kind, name, decider: this.#names.self });
    if (kind === KINDS.PREPARE) this.#plan(name, this.#names.self);
    return { ...this.#empty(KINDS.MORE, name), ...this.#claim(this.#alone, true) };
  }

  /** What would fill a worker: promises of nothing, or messages full of writes of nothing. */
  flood(batch: Batch, begin: (opcode: number) => number): void {
    const dice = this.#dice;
    const empty = dice.percent(85) ? this.#promises() : this.#heaps();
    for (const message of empty) {
      const at = begin(OPCODES.EPOCH);
      const bytes = epochPayloadBytes(message);
      batch.u64(at + AT.length, bytes);
      putEpochPayload(batch.payload(at, bytes), message);
    }
  }

  #promises(): EpochTelling[] {
    return Array.from({ length: FLOOD }, () => {
      const decider = this.#names.decider(this.#dice);
      return { ...this.#empty(KINDS.PREPARE, this.#names.next(this, true)), decider };
    });
  }

  #heaps(): EpochTelling[] {
    const { handle } = this.#dice.pick(this.#alone);
    const write = { handle, at: 0, bytes: NOTHING };
    const sizes = [...new Array(3).fill(HEAP), ...new Array(HEAPS).fill(SMALL_HEAP)];
    return sizes.map((count) => {
      const message = this.#empty(KINDS.MORE, this.#names.next(this, false));
      return { ...message, writes: new Array(count).fill(write) };
    });
  }

  /** @param isRight it is refused by nobody */
  #claim(
    lands: readonly Land[],
    isRight = this.#names.isPeaceful,
  ): { stable: boolean; reads: EpochRead[]; writes: EpochWrite[] } {
    const dice = this.#dice;
    const land = (access: number): Land => {
      const isAllowed = isRight || dice.percent(97);
      const found = (isAllowed ? lands : this.#lands).filter(
        ({ rights }) => ((rights & access) !== 0) === isAllowed,
      );
      return dice.pick(found.length > 0 ? found : lands);
    };
    const reads = Array.from({ length: dice.pick([0, 0, 0, 1, 2]) }, () => this.#read(land(READ), isRight));
    const writes = Array.from({ length: dice.pick([0, 1, 1, 2, 4]) }, () =>
      this.#write(land(WRITE), isRight),
    );
    return { stable: !this.#names.isPeaceful && dice.millionth(STABLE_MILLIONTHS), reads, writes };
  }

  #read(land: Land, isRight: boolean): EpochRead {
    const dice = this.#dice;
    const at = dice.between(0, land.byteLength - 1);
    const version = land.versionSeen(at) ?? dice.pick([0, 1, 2, dice.next()]);
    return this.#misled({ handle: land.handle, at, version }, land, isRight);
  }

  #write(land: Land, isRight: boolean): EpochWrite {
    const dice = this.#dice;
    const most = Math.min(land.byteLength, dice.percent(3) ? 2 * LINE : SHORT_BYTES);
    const bytes = new Uint8Array(dice.between(0, most));
    dice.fill(bytes);
    const at = dice.between(0, land.byteLength - bytes.length);
    return this.#misled({ handle: land.handle, at, bytes }, land, isRight);
  }

  /** Now and then beside what is allowed. */
  #misled<T extends EpochRead | EpochWrite>(entry: T, land: Land, isRight: boolean): T {
    const dice = this.#dice;
    if (isRight || dice.percent(96)) return entry;
    if (dice.percent(30)) return { ...entry, handle: dice.pick([0, 50, 2 ** 31, 2 ** 32 - 1]) };
    return { ...entry, at: dice.pick([land.byteLength, land.byteLength + 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) };
  }

  /** Nothing that could be meant. */
  #spoil(payload: Uint8Array): void {
    const dice = this.#dice;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const spoilt: () => void = dice.pick([
      () => view.setUint32(HEAD.kind, dice.pick([0, 9, 2 ** 31, 2 ** 32 - 1]), true),
      () => view.setUint32(HEAD.stable, dice.pick([2, 2 ** 32 - 1]), true),
      () => view.setUint32(HEAD.reads, dice.pick([2 ** 20, 2 ** 31, 2 ** 32 - 1]), true),
      () => view.setUint32(HEAD.writes, dice.pick([2 ** 20, 2 ** 31, 2 ** 32 - 1]), true),
      () => view.setUint32(HEAD.others, dice.pick([2 ** 20, 2 ** 31, 2 ** 32 - 1]), true),
      () => view.setUint32(HEAD.sequence + 4, 2 ** 31, true),
    ]);
    spoilt();
  }
}
