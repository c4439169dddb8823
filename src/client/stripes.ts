import { fileOffset, regionBytes, regionIndex, regionOffset } from "../structs/striping.ts";

/** What a window needs of one region. */
export interface Binding {
  /** The region's place in the layout. */
  readonly index: number;
  /** The range of the region, in its own bytes. */
  readonly at: number;
  readonly byteLength: number;
}

/**
 * Where the bytes of a window lie: a range of a file, cut into stripe units that take turns over the regions. Because
 * a range of the file is one range of each region, a binding per region is enough; offsets are relative to it.
 */
export class Stripes {
  /** Where the window begins in the file. */
  readonly start: number;
  readonly length: number;
  readonly bindings: readonly Binding[];
  readonly #unit: number;
  readonly #count: number;
  readonly #bases: Float64Array;

  constructor(start: number, length: number, stripeUnit: number, regionCount: number) {
    this.start = start;
    this.length = length;
    this.#unit = stripeUnit;
    this.#count = regionCount;
    this.#bases = new Float64Array(regionCount);
    const bindings: Binding[] = [];
    for (let index = 0; index < regionCount; index++) {
      const at = regionBytes(start, stripeUnit, regionCount, index);
      const byteLength = regionBytes(start + length, stripeUnit, regionCount, index) - at;
      this.#bases[index] = at;
      if (byteLength > 0) bindings.push({ index, at, byteLength });
    }
    this.bindings = bindings;
  }

  /** The region that holds the byte at `at` of the window. */
  indexOf(at: number): number {
    return regionIndex(this.start + at, this.#unit, this.#count);
  }

  /** Where that byte lies in its binding. */
  offsetOf(at: number): number {
    return regionOffset(this.start + at, this.#unit, this.#count) - (this.#bases[this.indexOf(at)] as number);
  }

  /** Where in the window the byte lies that is at `offset` of region `index`, which counts from its own first one. */
  placeOf(index: number, offset: number): number {
    return fileOffset(offset, this.#unit, this.#count, index) - this.start;
  }

  /** The region that holds the whole range in one run; undefined where several do. */
  regionOf(at: number, length: number): number | undefined {
    const first = Math.floor((this.start + at) / this.#unit);
    const last = Math.floor((this.start + at + Math.max(length, 1) - 1) / this.#unit);
    return this.#count === 1 || first === last ? first % this.#count : undefined;
  }

  /** Bytes from `at`, at most `length`, that lie in one run on one region. */
  runLength(at: number, length: number): number {
    return this.#count === 1 ? length : Math.min(this.#unit - ((this.start + at) % this.#unit), length);
  }

  /** What each region has of a range, in the order of the layout; offsets are relative to the binding. */
  rangesOf(at: number, length: number): Binding[] {
    const ranges: Binding[] = [];
    for (let index = 0; index < this.#count; index += 1) {
      const base = this.#bases[index] as number;
      const begin = regionBytes(this.start + at, this.#unit, this.#count, index) - base;
      const end = regionBytes(this.start + at + length, this.#unit, this.#count, index) - base;
      if (end > begin) ranges.push({ index, at: begin, byteLength: end - begin });
    }
    return ranges;
  }

  /** Visits the pieces of a range in order: bytes `start` to `end` of it lie at `offset` of binding `index`. */
  forEach(
    at: number,
    length: number,
    visit: (index: number, offset: number, start: number, end: number) => void,
  ): void {
    let done = 0;
    while (done < length) {
      const piece = this.runLength(at + done, length - done);
      visit(this.indexOf(at + done), this.offsetOf(at + done), done, done + piece);
      done += piece;
    }
  }
}
