import { DidafsError } from "../std/errors.ts";
import { glanceResizes, newestHeader, regionResizes } from "../structs/region-header.ts";

/** How often a header is read again that changes meanwhile. */
const READS_MAX = 8;

/**
 * The length of a region whose header is mapped, as the target changes it. An access looks whether all of the mapping is
 * in reach, which is one load, and asks `check` only where it is not.
 */
export class PresentLength {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #page: Uint8Array;
  readonly #mappedBytes: number;
  /** The count of resizes for which all of the mapping is in reach; one that is past while less of it is. */
  #wholeAt: number;
  /** The count of resizes for which `#byteLength` holds. */
  #readAt: number;
  /** Never more than is mapped, whatever the header says. */
  #byteLength = 0;

  /** @param words of the region's header page */
  constructor(words: Int32Array<ArrayBuffer>, mappedBytes: number) {
    this.#words = words;
    this.#page = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#mappedBytes = mappedBytes;
    this.#readAt = past(regionResizes(words));
    this.#wholeAt = this.#readAt;
  }

  get isWhole(): boolean {
    return glanceResizes(this.#words) === this.#wholeAt;
  }

  /** @throws ERR_RANGE where the range is not all in reach, ERR_CORRUPT where the header makes no sense */
  check(at: number, length: number): void {
    if (regionResizes(this.#words) !== this.#readAt) this.#read();
    if (at + length <= this.#byteLength) return;
    throw new DidafsError(
      "ERR_RANGE",
      `${length} bytes at ${at} are behind the ${this.#byteLength} bytes that the file has here since it was cut`,
    );
  }

  #read(): void {
    let resizes = regionResizes(this.#words);
    for (let reads = 0; reads < READS_MAX; reads += 1) {
      const header = newestHeader(this.#page);
      const after = regionResizes(this.#words);
      if (header !== undefined && after === resizes) {
        this.#byteLength = Math.min(header.byteLength, this.#mappedBytes);
        this.#readAt = resizes;
        this.#wholeAt = this.#byteLength === this.#mappedBytes ? resizes : past(resizes);
        return;
      }
      resizes = after;
    }
    throw new DidafsError("ERR_CORRUPT", "the region's header, which tells its length, is damaged");
  }
}

/** Counts only grow, so it does not come again. */
function past(resizes: number): number {
  return (resizes - 1) | 0;
}
