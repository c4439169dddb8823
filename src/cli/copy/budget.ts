/** Hands out a limited amount (of memory, say) in the order of asking. One that asks for more than all gets all. */
export class Budget {
  readonly #total: number;
  #free: number;
  readonly #waiting: { amount: number; resolve: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** @returns gives the amount back */
  async take(wanted: number): Promise<() => void> {
    const amount = Math.min(wanted, this.#total);
    if (this.#waiting.length > 0 || amount > this.#free) {
      await new Promise<void>((resolve) => this.#waiting.push({ amount, resolve }));
    } else this.#free -= amount;
    return () => this.#give(amount);
  }

  #give(amount: number): void {
    this.#free += amount;
    for (
      let first = this.#waiting[0];
      first !== undefined && first.amount <= this.#free;
      first = this.#waiting[0]
    ) {
      this.#free -= first.amount;
      this.#waiting.shift();
      first.resolve();
    }
  }
}
