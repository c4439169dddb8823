/** What a polling thread does next. */
export const SPIN = 0;
/** Give the processor to another thread, then poll again. */
export const YIELD = 1;
/** Wait in the kernel until something is ready. */
export const BLOCK = 2;

/** For loops whose rounds take microseconds. */
const CONTENDED_MS = 0.03;
/** A sleep that lasted longer was no pause between two questions of somebody who waits for the answers. */
const REST_MS = 20;
/** Pieces of work without such a rest after which more is expected. */
const BURST_COUNT = 3;

/** Rounds with work for which a core counts as contended, until a yield shows whether it still is. */
const CONTENDED_ROUNDS = 256;

/**
 * Decides how a polling loop waits, from the work that its last round did. Rounds are counted, not timed: a round
 * without work costs a few system calls, and reading a clock in each would cost as much again. Yielding comes early,
 * because two pollers that spin on one core starve each other; where nobody else wants the core a yield costs little.
 *
 * Where somebody does, it costs milliseconds: who yields waits behind those that compute, while who sleeps gets the core
 * as soon as he is woken. So a yield that took long is followed by a time in which spinning is followed by blocking.
 *
 * After a rest, work is looked upon as alone: a heartbeat, a renewal. It is followed by blocking, since rounds for
 * nothing are what an idle process would mostly do. Who asks on and on finds the loop asleep a few
 * times, and awake from then on.
 */
export class IdleStrategy {
  readonly #spinRounds: number;
  readonly #yieldRounds: number;
  readonly #contendedMs: number;
  #idleRounds = 0;
  #contendedRounds = 0;
  /** Rounds with work since the last rest, as far as they count. */
  #burst = BURST_COUNT;

  /**
   * @param spinRounds rounds without work before the first yield
   * @param yieldRounds yields before blocking
   * @param contendedMs a yield that takes longer gave the core to somebody who uses it, and not to another poller
   */
  constructor(spinRounds: number, yieldRounds: number, contendedMs: number = CONTENDED_MS) {
    this.#spinRounds = spinRounds;
    this.#yieldRounds = yieldRounds;
    this.#contendedMs = contendedMs;
  }

  /** @param work what the round did, 0 when nothing. @returns SPIN, YIELD or BLOCK; BLOCK until there is work again */
  next(work: number): number {
    if (work > 0) {
      if (this.#contendedRounds > 0) this.#contendedRounds -= 1;
      if (this.#burst < BURST_COUNT && this.#idleRounds > 0) this.#burst += 1;
      this.#idleRounds = 0;
      return SPIN;
    }
    this.#idleRounds += 1;
    if (this.resting) return BLOCK;
    if (this.#idleRounds <= this.#spinRounds) return SPIN;
    if (this.#contendedRounds > 0) return BLOCK;
    return this.#idleRounds <= this.#spinRounds + this.#yieldRounds ? YIELD : BLOCK;
  }

  /** To be told how long each wait in the kernel, which is a round without work, took. */
  slept(tookMs: number): void {
    this.#idleRounds += 1;
    if (tookMs > REST_MS) this.#burst = 0;
  }

  /** There was a rest, and little work since. */
  get resting(): boolean {
    return this.#burst < BURST_COUNT;
  }

  /** To be told how long each yield took. */
  yielded(tookMs: number): void {
    if (tookMs > this.#contendedMs) this.#contendedRounds = CONTENDED_ROUNDS;
  }
}
