/** What a polling thread does next. */
export const SPIN = 0;
/** Give the processor to another thread, then poll again. */
export const YIELD = 1;
/** Wait in the kernel until something is ready. */
export const BLOCK = 2;

/**
 * Decides how a polling loop waits, from the work that its last round did. Rounds are counted, not timed: a round
 * without work costs a few system calls, and reading a clock in each would cost as much again. Yielding comes early,
 * because two pollers that spin on one core starve each other; where nobody else wants the core a yield costs little.
 */
export class IdleStrategy {
  readonly #spinRounds: number;
  readonly #yieldRounds: number;
  #idleRounds = 0;

  /** @param spinRounds rounds without work before the first yield; @param yieldRounds yields before blocking */
  constructor(spinRounds: number, yieldRounds: number) {
    this.#spinRounds = spinRounds;
    this.#yieldRounds = yieldRounds;
  }

  /** @param work what the round did, 0 when nothing. @returns SPIN, YIELD or BLOCK; BLOCK until there is work again */
  next(work: number): number {
    if (work > 0) {
      this.#idleRounds = 0;
      return SPIN;
    }
    this.#idleRounds += 1;
    if (this.#idleRounds <= this.#spinRounds) return SPIN;
    if (this.#idleRounds <= this.#spinRounds + this.#yieldRounds) return YIELD;
    return BLOCK;
  }
}
