import type { LineLocks } from "../epoch/line-locks.ts";
import type { Memory } from "../ports/memory.ts";
import {
  copyLineVersions,
  countLine,
  entriesIn,
  freeLine,
  lineCountsBytes,
  lineEntries,
  lineVersion,
  takeLine,
} from "../structs/line-counts.ts";
import { LINE_BYTES, VERSION_BYTES, VERSION_IS_TAKEN } from "../wire/epoch-message.ts";

/** A region has fewer lines. */
const TWO_32 = 2 ** 32;

/** How often the lines of one region have been written since epochs take an interest in it, and which of them epochs hold. */
export class RegionLines {
  readonly #base: number;
  readonly #locks: LineLocks;
  #words: Int32Array<ArrayBuffer>;
  /** Where the words lie once others can map them. */
  #shared: Memory | undefined;

  /**
   * @param number tells the region from the others of its worker; below 2^20
   * @param byteLength of the region; it may grow
   */
  constructor(number: number, byteLength: number, locks: LineLocks) {
    this.#base = number * TWO_32;
    this.#locks = locks;
    const entries = lineEntries(Math.ceil(byteLength / LINE_BYTES));
    this.#words = new Int32Array(lineCountsBytes(entries) / Int32Array.BYTES_PER_ELEMENT);
  }

  /** How many entries memory must have at least that it is to be counted in. */
  get entries(): number {
    return entriesIn(this.#words);
  }

  /**
   * Goes on counting in that memory, which is all zeros, has that many entries, and was mapped for this.
   * @returns where it counted before, if that was shared, too: nobody here uses it any more
   */
  countIn(memory: Memory, entries: number): Memory | undefined {
    const words = memory.i32.subarray(0, lineCountsBytes(entries) / Int32Array.BYTES_PER_ELEMENT);
    copyLineVersions(this.#words, words);
    for (const number of this.#locks.exclusiveLines()) if (this.has(number)) takeLine(words, number);
    const former = this.#shared;
    this.#words = words;
    this.#shared = memory;
    return former;
  }

  /** What `countIn` was given last. */
  get shared(): Memory | undefined {
    return this.#shared;
  }

  /** An epoch is about to write the line. @param number as of `numberOf` */
  take(number: number): void {
    takeLine(this.#words, number);
  }

  /** It has, or never will. */
  free(number: number): void {
    freeLine(this.#words, number);
  }

  /** What that line is to the tables of its worker. */
  numberOf(line: number): number {
    return this.#base + line;
  }

  /** Of a line, by what it is to the tables. */
  versionOf(number: number): number {
    return lineVersion(this.#words, number);
  }

  /** Bytes from `at` on have been changed, or may have been. */
  written(at: number, length: number): void {
    const end = lineEnd(at, length);
    for (let line = Math.floor(at / LINE_BYTES); line < end; line += 1) countLine(this.#words, line);
  }

  /** Puts the versions of the lines of these bytes into `into`, from `intoAt` on, VERSION_BYTES each. */
  copyVersions(at: number, length: number, into: Uint8Array<ArrayBuffer>, intoAt: number): void {
    const versions = new DataView(into.buffer, intoAt);
    const end = lineEnd(at, length);
    for (let line = Math.floor(at / LINE_BYTES), place = 0; line < end; line += 1, place += VERSION_BYTES) {
      const version = this.versionOf(line);
      versions.setUint32(place, version, true);
      const taken = this.#locks.isExclusive(this.numberOf(line)) ? VERSION_IS_TAKEN : 0;
      versions.setUint32(place + 4, version / TWO_32 + taken, true);
    }
  }

  /** Whether that line is one of these. */
  has(number: number): boolean {
    return Math.floor(number / TWO_32) * TWO_32 === this.#base;
  }

  /** Whether one of `numbers` has some of these bytes. */
  includesAny(numbers: ReadonlySet<number>, at: number, length: number): boolean {
    const end = lineEnd(at, length);
    for (let line = Math.floor(at / LINE_BYTES); line < end; line += 1) {
      if (numbers.has(this.#base + line)) return true;
    }
    return false;
  }

  /** An epoch that is being committed has read or writes some of these bytes: nobody may change them until it has ended. */
  isHeld(at: number, length: number): boolean {
    if (this.#locks.count === 0) return false;
    const end = lineEnd(at, length);
    for (let line = Math.floor(at / LINE_BYTES); line < end; line += 1) {
      if (this.#locks.isHeld(this.#base + line)) return true;
    }
    return false;
  }
}

/** The line behind the last one of these bytes; that of `at` where there are none. */
export function lineEnd(at: number, length: number): number {
  return length === 0 ? Math.floor(at / LINE_BYTES) : Math.ceil((at + length) / LINE_BYTES);
}
