import type { LineLocks } from "../epoch/line-locks.ts";
import type { Memory } from "../ports/memory.ts";
import { assert } from "../std/assert.ts";
import { RegionLines } from "./region-lines.ts";

const TWO_32 = 2 ** 32;

/** The lines of all regions of a worker that epochs take an interest in. */
export class WorkerLines {
  /** By regionKey. */
  readonly #byKey = new Map<string, { readonly number: number; readonly lines: RegionLines }>();
  readonly #byNumber: (RegionLines | undefined)[] = [];
  readonly #freeNumbers: number[] = [];

  /** @param byteLength of the region; of use only where nobody has asked for its lines yet */
  of(key: string, byteLength: number, locks: LineLocks): RegionLines {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.lines;
    const number = this.#freeNumbers.pop() ?? this.#byNumber.length;
    const lines = new RegionLines(number, byteLength, locks);
    this.#byNumber[number] = lines;
    this.#byKey.set(key, { number, lines });
    return lines;
  }

  /**
   * Nobody holds any of them, and nobody can compare their versions any more.
   * @returns where they were counted, if others could map that
   */
  drop(key: string): Memory | undefined {
    const known = this.#byKey.get(key);
    if (known === undefined) return undefined;
    this.#byKey.delete(key);
    this.#byNumber[known.number] = undefined;
    this.#freeNumbers.push(known.number);
    return known.lines.shared;
  }

  /** Of all regions. */
  *all(): Generator<RegionLines, void> {
    for (const { lines } of this.#byKey.values()) yield lines;
  }

  /** @param line as RegionLines.numberOf */
  versionOf(line: number): number {
    return this.with(line).versionOf(line);
  }

  /** Those of the region that has the line. @param line as RegionLines.numberOf */
  with(line: number): RegionLines {
    const lines = this.#byNumber[Math.floor(line / TWO_32)];
    assert(lines !== undefined, "a line belongs to a region");
    return lines;
  }
}
