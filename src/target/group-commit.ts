/** How long the first of a group waits for the others, and how long the last that came waits for one more. */
const GATHER_MS = 5;
const PAUSE_MS = 1;

/**
 * When a sync of an epoch log begins: at once where one commits at a time; where more do, once all of them wait for it, so that
 * each sync is for many. Sources: group commit (Gray and Reuter, Transaction Processing, 1993); PostgreSQL's commit_delay.
 */
export class GroupCommit {
  /** How many commit at a time, as far as was seen. */
  #crowd = 1;
  /** Of those that wait now. */
  #gathered = 0;
  #firstMs = 0;
  #untilMs = Number.POSITIVE_INFINITY;

  /** When a sync is to begin, however few wait for it. */
  get dueMs(): number {
    return this.#untilMs;
  }

  /** To be asked while no sync runs; one begins where the answer is yes. @param waiting epochs that wait for it, at least one */
  isTime(waiting: number, nowMs: number): boolean {
    if (this.#gathered === 0) this.#firstMs = nowMs;
    if (waiting > this.#gathered) {
      this.#gathered = waiting;
      this.#untilMs = Math.min(this.#firstMs + GATHER_MS, nowMs + PAUSE_MS);
    }
    const isLate = nowMs >= this.#untilMs;
    if (waiting < this.#crowd && !isLate) return false;
    // Who has not come by then is not waited for again.
    if (isLate) this.#crowd = waiting;
    this.#gathered = 0;
    this.#untilMs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** A sync is done. @param served epochs that it was for @param waiting those that have come meanwhile */
  synced(served: number, waiting: number): void {
    this.#crowd = Math.max(this.#crowd, served + waiting);
  }
}
