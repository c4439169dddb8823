/** A region that a flush must reach, and the changes to it that the flush will cover. */
export interface Touched {
  readonly index: number;
  readonly changes: number;
}

/**
 * By region of a window: the changes issued, and how many of them a stable flush has covered. A flush under way covers
 * nothing yet: another one that begins meanwhile must wait for a sync too. A region whose bytes were handed out for
 * storing counts as changed for ever.
 */
export class FlushCoverage {
  readonly #changes: Float64Array;
  readonly #stable: Float64Array;
  readonly #handedOut: Uint8Array;

  constructor(regionCount: number) {
    this.#changes = new Float64Array(regionCount);
    this.#stable = new Float64Array(regionCount);
    this.#handedOut = new Uint8Array(regionCount);
  }

  /** An access that changes the region is about to be issued. */
  changed(index: number): void {
    this.#changes[index] = (this.#changes[index] as number) + 1;
  }

  handedOut(index: number): void {
    this.#handedOut[index] = 1;
  }

  /** What a flush that begins now must reach. */
  touched(): Touched[] {
    const touched: Touched[] = [];
    for (let index = 0; index < this.#changes.length; index++) {
      const changes = this.#changes[index] as number;
      if (changes > (this.#stable[index] as number) || this.#handedOut[index] === 1) {
        touched.push({ index, changes });
      }
    }
    return touched;
  }

  /** A stable flush of what `touched` gave has succeeded. */
  covered(touched: readonly Touched[]): void {
    for (const { index, changes } of touched) {
      this.#stable[index] = Math.max(this.#stable[index] as number, changes);
    }
  }
}
