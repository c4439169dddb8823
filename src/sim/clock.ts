import type { Clock } from "../ports/clock.ts";

/** Time that stands still until a test or the simulation moves it. */
export class SimClock implements Clock {
  #nowMs: number;
  readonly #wallOffsetMs: number;

  /** @param wallMs what `wallMs` says at the beginning */
  constructor(nowMs = 0, wallMs = 1_750_000_000_000) {
    this.#nowMs = nowMs;
    this.#wallOffsetMs = wallMs - nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** It never goes back. */
  advanceTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}
