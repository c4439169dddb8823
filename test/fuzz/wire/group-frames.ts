import assert from "node:assert/strict";
import type { Dice } from "../dice.ts";
import { AT, type Batch, HEADER, OPCODES } from "./frame.ts";

/** Names for groups: few, so that sessions meet, wait for each other and end what they have. */
const NAMES = 12;
/** A session that asks for more than it may have uses others, one a group. */
const FLOOD_NAMES = 1000;
const FLOOD = 164;
/** Bytes that a flood takes. */
export const GROUP_FLOOD_BYTES: number = FLOOD * HEADER;
const RANK_MAX = 1023;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;
/** Groups of one session that are kept to be used again. */
const KNOWN_MAX = 8;

/** A group that the session is a member of, as far as it has heard, and how many barriers it has passed. */
interface Known {
  readonly name: number;
  readonly number: number;
  round: number;
}

/** What the connections of one session have been told of groups. */
export class KnownGroups {
  readonly #known: Known[] = [];
  /** Names that are free only once everybody has left. */
  readonly #ended: number[] = [];

  /** @param value of a GROUP_JOIN that was answered with success */
  joined(name: number, value: number): void {
    const high = Math.floor(value / TWO_32);
    assert.ok(high % TWO_16 <= RANK_MAX, `a rank of ${high % TWO_16}`);
    this.#known.push({ name, number: (value % TWO_32) + Math.floor(high / TWO_16) * TWO_32, round: 0 });
    if (this.#known.length > KNOWN_MAX) this.#known.shift();
  }

  passed(number: number): void {
    for (const known of this.#known) if (known.number === number) known.round += 1;
  }

  ended(name: number): void {
    this.#ended.push(name);
    if (this.#ended.length > KNOWN_MAX) this.#ended.shift();
  }

  /** A barrier says that it is no member of that. */
  lost(number: number): void {
    const at = this.#known.findIndex((known) => known.number === number);
    if (at >= 0) this.ended((this.#known.splice(at, 1)[0] as Known).name);
  }

  /** One of them, or nearly. */
  any(dice: Dice): Omit<Known, "name"> {
    const last = this.#known.at(-1);
    if (last === undefined || dice.percent(10)) {
      return { number: dice.between(0, 9), round: dice.between(0, 3) };
    }
    const { number, round } = dice.percent(70) ? last : dice.pick(this.#known);
    return { number, round: dice.percent(90) ? round : round + dice.between(0, 2) };
  }

  /** The one that was joined last. */
  get last(): Omit<Known, "name"> {
    return this.#known.at(-1) ?? { number: 0, round: 0 };
  }

  /** What is to be left: seldom what goes on, or both would never come far. */
  nameToLeave(dice: Dice): number {
    if (this.#ended.length > 0 && dice.percent(70)) return dice.pick(this.#ended);
    return dice.percent(20) ? dice.between(1, NAMES) : NAMES + dice.between(1, NAMES);
  }
}

/** Writes what members of groups say: mostly right, for short, and often too late or too soon. */
export class GroupFrames {
  readonly #dice: Dice;
  readonly #known: KnownGroups;
  readonly #waitsMs: readonly number[];

  /** @param isPeaceful waits for short, and has others wait for short */
  constructor(dice: Dice, known: KnownGroups, isPeaceful: boolean) {
    this.#dice = dice;
    this.#known = known;
    this.#waitsMs = isPeaceful ? [0, 2] : [0, 5, 20];
  }

  /** Makes a frame of the group's command of the header that lies there. */
  write(batch: Batch, at: number, opcode: number): void {
    const dice = this.#dice;
    batch.u32(at + AT.handle, 0);
    if (opcode === OPCODES.GROUP_BARRIER) {
      const { number, round } = this.#known.any(dice);
      batch.u64(at + AT.operand, number);
      batch.u64(at + AT.offset, round);
      batch.u32(at + AT.compare, dice.pick(this.#waitsMs));
      return;
    }
    const isLeave = opcode === OPCODES.GROUP_LEAVE;
    const name = isLeave ? this.#known.nameToLeave(dice) : dice.between(1, NAMES);
    batch.u64(at + AT.operand, name);
    batch.u64(at + AT.compare, name * 3);
    if (isLeave) return;
    batch.u32(at + AT.offset, dice.percent(90) ? 2 + Number(name % 4 === 0) : dice.between(0, 5));
    batch.u32(at + AT.offset + 4, dice.percent(60) ? 0 : dice.between(0, 4));
    batch.u64(at + AT.length, dice.pick(this.#waitsMs));
  }

  /** Asks to be in more groups than a session may be in. @param begin adds a header, and says where it lies */
  flood(batch: Batch, begin: (opcode: number) => number): void {
    for (let i = 0; i < FLOOD; i += 1) {
      const at = begin(OPCODES.GROUP_JOIN);
      batch.u64(at + AT.operand, FLOOD_NAMES + i);
      batch.u32(at + AT.compare, this.#dice.next());
      batch.u32(at + AT.offset, 2);
      batch.u64(at + AT.length, 20);
    }
  }
}
