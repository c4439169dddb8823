import type { Dice } from "../dice.ts";

/** How much goes to the socket at a time: all of it, pieces of any size, or one byte after the other. */
export class Splitter {
  readonly #dice: Dice;
  #most = Number.POSITIVE_INFINITY;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** For the next batch, of so many bytes: a long one in small pieces would be all that a run does. */
  begin(byteLength: number): void {
    const sizes = byteLength < 600 ? [1, 7, 64, 300] : byteLength < 10_000 ? [90, 1000] : [5000, 1 << 16];
    this.#most = this.#dice.percent(65) ? Number.POSITIVE_INFINITY : this.#dice.pick(sizes);
  }

  /** @returns how many of `left` bytes to send next */
  piece(left: number): number {
    return this.#most >= left ? left : this.#dice.between(1, this.#most);
  }
}
