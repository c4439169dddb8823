interface Waiter {
  readonly untilMs: number;
  readonly give: () => void;
}

/** Bounded waits without timers: whoever owns it steps it. */
export class Deadlines {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when `promise` has settled, however, or at `untilMs`. */
  until(promise: Promise<unknown>, untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = { untilMs, give: resolve };
      this.#waiters.add(waiter);
      const settle = () => {
        this.#waiters.delete(waiter);
        resolve();
      };
      promise.then(settle, settle);
    });
  }

  /** Resolves at `untilMs`. */
  sleep(untilMs: number): Promise<void> {
    return new Promise((give) => this.#waiters.add({ untilMs, give }));
  }

  /** When the next wait ends at the latest. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#waiters) dueMs = Math.min(dueMs, untilMs);
    return dueMs;
  }

  /** @returns waits that ended */
  doWork(nowMs: number): number {
    let ended = 0;
    for (const waiter of this.#waiters) {
      if (waiter.untilMs > nowMs) continue;
      this.#waiters.delete(waiter);
      waiter.give();
      ended += 1;
    }
    return ended;
  }
}
