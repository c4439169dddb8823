import { partlyApplied } from "../std/errors.ts";
import type { Bytes, CallOptions, DidafsWindow, EpochAccess, Op, Word } from "./api.ts";
import type { EpochLocks } from "./epoch-locks.ts";
import { accessLimits, type EpochTerms } from "./epoch-terms.ts";
import type { EpochWindow } from "./epoch-window.ts";
import type { OpenEpoch } from "./open-epoch.ts";
import type { Elements, Number64 } from "./operands.ts";

/** An epoch whose accesses take effect as they are made. */
export class PlainEpoch implements OpenEpoch {
  readonly #terms: EpochTerms;
  readonly #locks: EpochLocks;
  readonly #windows = new Set<EpochWindow>();
  /** The accesses that were made and have not ended. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** Of a sequential one, the access that was made last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(terms: EpochTerms, locks: EpochLocks) {
    this.#terms = terms;
    this.#locks = locks;
  }

  access(window: EpochWindow, checkRunning: () => void): EpochAccess {
    this.#windows.add(window);
    return new PlainAccess(window.window, (options, run) => {
      checkRunning();
      return this.#run(window, accessLimits(this.#terms, options), run);
    });
  }

  async #run<T>(
    { window, volatileDrive }: EpochWindow,
    limits: CallOptions,
    run: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { consistency, durability } = this.#terms.asked;
    let access: Promise<T>;
    if (consistency === "sequential") {
      // It has taken effect everywhere, also where it is to outlast everything, before the next one is issued.
      access = this.#last.then(async () => {
        const result = await run(limits);
        try {
          await window.flush(durability === "stable" && !volatileDrive ? "stable" : "memory", limits);
        } catch (error) {
          // The access itself has taken effect.
          throw partlyApplied(error);
        }
        return result;
      });
      this.#last = access.catch(() => {});
    } else access = run(limits);
    const ended = access.catch(() => {});
    this.#underWay.add(ended);
    void ended.then(() => this.#underWay.delete(ended));
    return access;
  }

  async commit(): Promise<void> {
    try {
      await Promise.all(this.#underWay);
      for (const window of this.#windows) window.checkOpen();
      this.#locks.checkHeld();
      const closing = this.#flush();
      for (const window of this.#windows) window.holdOpen(closing);
      await closing;
    } catch (error) {
      // Its accesses have taken effect.
      throw partlyApplied(error);
    } finally {
      await this.#locks.release();
    }
  }

  /** Its reads are not validated. */
  async findConflict(): Promise<undefined> {}

  async abort(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#locks.release();
  }

  async #flush(): Promise<void> {
    const { consistency, durability } = this.#terms.asked;
    if (consistency === "relaxed" && durability === "none") return;
    const { timeoutMs, signal } = this.#terms;
    const flushes = [...this.#windows].map(({ window, volatileDrive }) =>
      window.flush(durability === "stable" && !volatileDrive ? "stable" : "memory", { timeoutMs, signal }),
    );
    const failed = (await Promise.allSettled(flushes)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }
}

type Run = <T>(options: CallOptions | undefined, run: (options: CallOptions) => Promise<T>) => Promise<T>;

/** The accesses of such an epoch to one window: the window's own, run as the epoch says. */
class PlainAccess implements EpochAccess {
  readonly #window: DidafsWindow;
  readonly #run: Run;

  constructor(window: DidafsWindow, run: Run) {
    this.#window = window;
    this.#run = run;
  }

  async get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B> {
    return this.#run(options, (limits) => this.#window.get(at, into, limits));
  }

  async put(at: number, from: Bytes, options?: CallOptions): Promise<void> {
    await this.#run(options, (limits) => this.#window.put(at, from, limits));
  }

  async load(at: number, word?: Word, options?: CallOptions): Promise<number> {
    return this.#run(options, (limits) => this.#window.load(at, word, limits));
  }

  async store(at: number, value: number | bigint, word?: Word, options?: CallOptions): Promise<void> {
    await this.#run(options, (limits) => this.#window.store(at, value, word, limits));
  }

  async fetchAdd<V extends number | bigint>(
    at: number,
    delta: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<Number64<V>> {
    return this.#run(options, (limits) => this.#window.fetchAdd(at, delta, word, limits));
  }

  async fetchOp<V extends number | bigint>(
    op: Op,
    at: number,
    operand: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<Number64<V>> {
    return this.#run(options, (limits) => this.#window.fetchOp(op, at, operand, word, limits));
  }

  async compareAndSwap<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<Number64<V>> {
    return this.#run(options, (limits) => this.#window.compareAndSwap(at, expected, desired, word, limits));
  }

  async accumulate(op: Op, at: number, from: Elements, options?: CallOptions): Promise<void> {
    await this.#run(options, (limits) => this.#window.accumulate(op, at, from, limits));
  }
}
