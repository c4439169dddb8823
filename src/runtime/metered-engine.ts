import type { KvEngine, KvReader, KvTransaction } from "../ports/kv.ts";
import { isDidafsError } from "../std/errors.ts";
import { Histogram } from "../std/histogram.ts";

const COMMIT_BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/** An engine that counts and times the transactions of another one. */
export class MeteredEngine implements KvEngine {
  readonly #engine: KvEngine;
  /** Seconds from asking for a transaction until it is durable. */
  readonly commits = new Histogram(COMMIT_BOUNDS);
  /** Transactions that the engine failed, by code; those whose body refused are no failures. */
  readonly failures = new Map<string, number>();

  constructor(engine: KvEngine) {
    this.#engine = engine;
  }

  read<T>(body: (reader: KvReader) => T): T {
    return this.#engine.read(body);
  }

  async transact<T>(body: (transaction: KvTransaction) => T): Promise<T> {
    const startMs = performance.now();
    try {
      const result = await this.#engine.transact(body);
      this.commits.observe((performance.now() - startMs) / 1000);
      return result;
    } catch (error) {
      if (isDidafsError(error, "ERR_NO_SPACE", "ERR_IO")) {
        this.failures.set(error.code, (this.failures.get(error.code) ?? 0) + 1);
      }
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
