/** Times of single operations, in nanoseconds. */
export class Samples {
  readonly #ns: number[] = [];
  totalNs = 0;

  get count(): number {
    return this.#ns.length;
  }

  /** Runs `operation` and awaits what is to be awaited. */
  async time<T>(operation: () => Promise<T> | T): Promise<T> {
    const fromMs = performance.now();
    const result = operation();
    const settled = result instanceof Promise ? await result : result;
    const ns = (performance.now() - fromMs) * 1e6;
    this.#ns.push(ns);
    this.totalNs += ns;
    return settled;
  }

  toArray(): Float64Array {
    return Float64Array.from(this.#ns);
  }
}
