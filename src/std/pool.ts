/** Things that are made once and lent many times. What comes back first-hand is lent first: its memory is still warm. */
export class Pool<T> {
  readonly #make: () => T;
  readonly #destroy: (item: T) => void;
  readonly #keptMax: number;
  readonly #kept: T[] = [];

  /** @param keptMax how many that nobody uses are kept; more are destroyed */
  constructor(make: () => T, destroy: (item: T) => void, keptMax: number) {
    this.#make = make;
    this.#destroy = destroy;
    this.#keptMax = keptMax;
  }

  take(): T {
    return this.#kept.pop() ?? this.#make();
  }

  give(item: T): void {
    if (this.#kept.length < this.#keptMax) this.#kept.push(item);
    else this.#destroy(item);
  }

  /** Destroys what nobody uses; what is lent is destroyed when it comes back. */
  close(): void {
    for (const item of this.#kept.splice(0)) this.#destroy(item);
  }
}
