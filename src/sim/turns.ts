import type { Turns } from "../ports/turns.ts";
import type { SimClock } from "./clock.ts";

/** An event loop that turns only when it is told to. */
export class SimTurns implements Turns {
  readonly #clock: SimClock;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<{ atMs: number; step: () => void }>();

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  soon(step: () => void): void {
    this.#soon.push(step);
  }

  after(delayMs: number, step: () => void): () => void {
    const timer = { atMs: this.#clock.nowMs() + delayMs, step };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next turn has something to do. */
  dueMs(): number {
    let dueMs = this.#soon.length > 0 ? 0 : Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#timers) dueMs = Math.min(dueMs, atMs);
    return dueMs;
  }

  /** One turn: what was asked for soon, then the timers that are due. @returns steps run */
  turn(): number {
    const steps = this.#soon;
    this.#soon = [];
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > this.#clock.nowMs()) break;
      this.#timers.delete(timer);
      steps.push(timer.step);
    }
    for (const step of steps) step();
    return steps.length;
  }
}
