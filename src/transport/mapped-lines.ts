import type { Memory, MemoryPort } from "../ports/memory.ts";
import { isLineTaken, lineCountsBytes, lineVersion } from "../structs/line-counts.ts";
import { LINE_BYTES, lineCount } from "../wire/epoch-message.ts";

/** How often bytes are copied again, at once, that somebody wrote meanwhile. */
const COPIES_MAX = 4;

/** The versions of a mapped region's lines, as its home worker counts them (structs/line-counts.ts); seen, never written. */
export class MappedLines {
  readonly #memoryPort: MemoryPort;
  readonly #memory: Memory;
  readonly #words: Int32Array<ArrayBuffer>;

  /** @param descriptor of the memory, which stays the caller's. @throws ERR_IO, ERR_TOO_MANY when it cannot be mapped */
  constructor(memoryPort: MemoryPort, descriptor: number, entries: number) {
    const byteLength = lineCountsBytes(entries);
    this.#memoryPort = memoryPort;
    this.#memory = memoryPort.map(descriptor, 0, byteLength, false);
    this.#words = this.#memory.i32.subarray(0, byteLength / Int32Array.BYTES_PER_ELEMENT);
  }

  /**
   * Copies bytes of a region that are all of one moment, which no epoch was about to change.
   * @param at the first byte, in the region
   * @param copy copies these bytes; may be called again
   * @returns the versions of their lines; undefined where an epoch is about to write one, or others write all the time
   */
  read(at: number, length: number, copy: () => void): number[] | undefined {
    const first = Math.floor(at / LINE_BYTES);
    const count = lineCount(at, length);
    for (let copies = 0; copies < COPIES_MAX; copies += 1) {
      const before = this.#versions(first, count);
      if (before === undefined) return undefined;
      copy();
      // What was taken in between was not free before it was in place, and counted.
      const after = this.#versions(first, count);
      if (after?.every((version, i) => version === before[i]) === true) return after;
    }
    return undefined;
  }

  #versions(first: number, count: number): number[] | undefined {
    const versions: number[] = [];
    for (let line = first; line < first + count; line += 1) {
      if (isLineTaken(this.#words, line)) return undefined;
      versions.push(lineVersion(this.#words, line));
    }
    return versions;
  }

  free(): void {
    this.#memoryPort.free(this.#memory);
  }
}
