import type { Random } from "../ports/random.ts";

/** A seeded sequence: the same seed gives the same bytes. Source: mulberry32 (Tommy Ettinger, public domain). */
export class SimRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** @returns the next 32 bits, unsigned */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** @returns a whole number from `low` to `high`, both included */
  between(low: number, high: number): number {
    return low + (this.next() % (high - low + 1));
  }

  /** @returns a number from 0 on and below 1 */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** True so often. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @returns one of `choices`, of which there is at least one */
  pick<T>(choices: readonly T[]): T {
    return choices[this.next() % choices.length] as T;
  }

  /** @returns a number between both, their orders of magnitude equally likely; `low` is above 0 */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.fraction();
  }

  /** Another sequence, so that how often one party draws changes nothing for the others. */
  fork(): SimRandom {
    return new SimRandom(this.next());
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.next() & 255;
    return bytes;
  }
}
