const WINDOW_MS = 30_000;
const FAILURES_MAX = 5;
const DELAY_MS = 100;

/** Decides whether and when a service that died is started again, so that one that cannot live does not spin. */
export class RestartBudget {
  #failures: number[] = [];

  /**
   * Notes a failure at `nowMs`.
   * @returns milliseconds to wait before the next start: 100, doubled with each failure of the last 30 s; undefined
   *   when that was the fifth of them
   */
  failed(nowMs: number): number | undefined {
    this.#failures = this.#failures.filter((atMs) => nowMs - atMs < WINDOW_MS);
    this.#failures.push(nowMs);
    const count = this.#failures.length;
    return count >= FAILURES_MAX ? undefined : DELAY_MS * 2 ** (count - 1);
  }
}
