/** A lease is renewed so often within its time that a late renewal, or one that is lost, does no harm. */
const RENEWALS_PER_LEASE = 3;

/** When a lease is to be renewed. */
export class Renewal {
  readonly #everyMs: number;
  #lastMs: number;

  /** @param grantedMs when the lease, which lasts `leaseMs`, was asked for */
  constructor(leaseMs: number, grantedMs: number) {
    this.#everyMs = leaseMs / RENEWALS_PER_LEASE;
    this.#lastMs = grantedMs;
  }

  get dueMs(): number {
    return this.#lastMs + this.#everyMs;
  }

  /**
   * Whether to renew now. Where another lease of the same thread is renewed, this one goes along once half of its time is over:
   * from then on both are renewed in one wake-up.
   */
  isDue(nowMs: number, another: boolean): boolean {
    return nowMs >= this.#lastMs + (another ? this.#everyMs / 2 : this.#everyMs);
  }

  renewed(nowMs: number): void {
    this.#lastMs = nowMs;
  }
}
