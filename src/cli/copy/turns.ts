/** Lets concurrent lanes do one thing in the order of their numbers, and carries the first failure to all of them. */
export class Turns {
  #next = 0;
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>();
  #failure: { readonly error: unknown } | undefined;

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when every number below `index` has passed. */
  async take(index: number): Promise<void> {
    this.throwIfFailed();
    if (index !== this.#next) {
      await new Promise<void>((resolve, reject) => this.#waiting.set(index, { resolve, reject }));
    }
  }

  /** Ends the turn that is taken. */
  pass(): void {
    this.#next += 1;
    this.#waiting.get(this.#next)?.resolve();
    this.#waiting.delete(this.#next);
  }

  /** Ends every wait with `error`. The first failure is kept. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.values()) reject(this.#failure.error);
    this.#waiting.clear();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
