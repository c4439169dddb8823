/** Origins that were forgotten are looked for when there are so many, or twice as many as were left then. */
const KEPT_MIN = 1024;

/** Gives the origins that notify numbers, which are short enough for queues; keys as hexadecimal digits. */
export class NotificationSources {
  readonly #numbers = new Map<string, number>();
  readonly #keys = new Map<number, Uint8Array>();
  #last = 0;
  #sweepAt = KEPT_MIN;

  /** @param inUse which numbers must go on to mean what they mean */
  numberOf(key: string, inUse: () => ReadonlySet<number>): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size >= this.#sweepAt) this.#sweep(inUse());
    this.#last += 1;
    this.#numbers.set(key, this.#last);
    this.#keys.set(this.#last, Buffer.from(key, "hex"));
    return this.#last;
  }

  /** @param number one that is in use */
  keyOf(number: number): Uint8Array {
    return this.#keys.get(number) as Uint8Array;
  }

  #sweep(inUse: ReadonlySet<number>): void {
    for (const [key, number] of this.#numbers) {
      if (inUse.has(number)) continue;
      this.#numbers.delete(key);
      this.#keys.delete(number);
    }
    this.#sweepAt = Math.max(KEPT_MIN, 2 * this.#numbers.size);
  }
}
