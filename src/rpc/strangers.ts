import { ADMISSION_TIMEOUT_MS, STRANGERS_MAX } from "./limits.ts";

/**
 * Those who have come and have not proven anything yet, oldest first. They get a bounded number of places for a bounded
 * time, and each new one drives out the oldest: who can prove himself does that at once, so nobody is kept out by others
 * who hold the places.
 */
export class Strangers<T> {
  /** Until when each may stay. */
  readonly #untilMs = new Map<T, number>();

  get count(): number {
    return this.#untilMs.size;
  }

  /** When the next one has stayed too long. */
  get dueMs(): number {
    for (const untilMs of this.#untilMs.values()) return untilMs;
    return Number.POSITIVE_INFINITY;
  }

  /** @returns who must leave for it */
  came(one: T, nowMs: number): T | undefined {
    this.#untilMs.set(one, nowMs + ADMISSION_TIMEOUT_MS);
    if (this.#untilMs.size <= STRANGERS_MAX) return undefined;
    for (const oldest of this.#untilMs.keys()) return oldest;
    return undefined;
  }

  /** It has proven itself, or has left. @returns whether it was a stranger until now */
  delete(one: T): boolean {
    return this.#untilMs.delete(one);
  }

  /** One that has stayed too long. */
  overdue(nowMs: number): T | undefined {
    for (const [one, untilMs] of this.#untilMs) return nowMs >= untilMs ? one : undefined;
    return undefined;
  }
}
