import type { Clock, Idler } from "../ports/clock.ts";
import type { Turns } from "../ports/turns.ts";

/** How long it polls without progress before it sleeps. */
const SPIN_MS = 1;
/** Polls in one turn, which alone costs as much as several. */
const LOOKS = 8;
/** Turns without progress before each further one gives the processor away first. */
const SPIN_ROUNDS = 2;

export interface PollLoopOptions {
  readonly turns: Turns;
  readonly clock: Clock;
  readonly idler: Idler;
  /** One look at everything. @returns what moved, 0 when nothing did */
  readonly poll: (nowMs: number) => number;
  /** There is something to wait for. */
  readonly isWaiting: () => boolean;
  /** Nothing came for a while: `start` is to be called once something may have. */
  readonly sleep: (nowMs: number) => void;
}

/**
 * Polls on a thread with an event loop, a few times a turn, while there is something to wait for. What takes long is slept
 * through, since polling keeps a processor busy.
 */
export class PollLoop {
  readonly #options: PollLoopOptions;
  #running = false;
  /** Something was begun since the last step. */
  #begun = false;
  #lastProgressMs = 0;
  #idleRounds = 0;

  constructor(options: PollLoopOptions) {
    this.#options = options;
  }

  /** Polls from the next turn on, and as long as anything moves. */
  start(): void {
    this.#begun = true;
    this.#idleRounds = 0;
    if (this.#running) return;
    this.#running = true;
    this.#options.turns.soon(this.#step);
  }

  /** One look now; goes on polling only where it already did. */
  look(): void {
    if (this.#running) return;
    this.#running = true;
    this.#step();
  }

  readonly #step = (): void => {
    const { turns, clock, idler, poll, isWaiting, sleep } = this.#options;
    const nowMs = clock.nowMs();
    let moved = 0;
    for (let looks = 0; moved === 0 && looks < LOOKS; looks += 1) moved = poll(nowMs);
    if (moved > 0) this.#idleRounds = 0;
    if (moved > 0 || this.#begun) this.#lastProgressMs = nowMs;
    this.#begun = false;
    if (!isWaiting()) {
      this.#running = false;
    } else if (nowMs - this.#lastProgressMs < SPIN_MS) {
      this.#idleRounds += 1;
      if (this.#idleRounds > SPIN_ROUNDS) idler.yield();
      turns.soon(this.#step);
    } else {
      this.#running = false;
      sleep(nowMs);
    }
  };
}
