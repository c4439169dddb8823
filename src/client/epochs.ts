import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { DidafsWindow, Epoch, EpochAccess, EpochOptions } from "./api.ts";
import { AtomicEpoch } from "./atomic-epoch.ts";
import { abortError } from "./call-limits.ts";
import { backoffMs } from "./epoch-backoff.ts";
import { EpochLocks } from "./epoch-locks.ts";
import { checkNotNested, runBody } from "./epoch-nesting.ts";
import { checkWindow, type EpochTerms, epochTerms, locksRanges } from "./epoch-terms.ts";
import type { EpochWindow } from "./epoch-window.ts";
import type { OpenEpoch } from "./open-epoch.ts";
import type { Origin } from "./origin.ts";
import { PlainEpoch } from "./plain-epoch.ts";
import { ReadingAccess } from "./reading-access.ts";

type Body<T> = (...accesses: EpochAccess[]) => Promise<T>;

/** The epochs of one cluster: opens them, runs their bodies, closes them. */
export class Epochs {
  readonly #origin: Origin;
  readonly #timeoutMs: number;
  /** What epochs need of the windows that are open. */
  readonly #windows = new WeakMap<DidafsWindow, EpochWindow>();

  /** @param timeoutMs of epochs whose windows are not known yet */
  constructor(origin: Origin, timeoutMs: number) {
    this.#origin = origin;
    this.#timeoutMs = timeoutMs;
  }

  add(window: EpochWindow): void {
    this.#windows.set(window.window, window);
  }

  /** See Cluster.epoch in api.ts. */
  async run<T>(windows: readonly DidafsWindow[], options: EpochOptions, body: Body<T>): Promise<T> {
    checkNotNested();
    if (typeof body !== "function") throw invalid("an epoch's body is a function");
    const covered = windows.map((window) => this.#find(window));
    const terms = epochTerms(options, covered[0]?.timeoutMs ?? this.#timeoutMs);
    for (const window of covered) {
      window.checkOpen();
      checkWindow(terms, window);
    }
    const session = covered[0]?.regions.find((region) => region !== undefined)?.bound.epochs.session ?? 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#once(terms, covered, body);
      } catch (error) {
        if (attempt >= terms.retries || !isDidafsError(error, "ERR_EPOCH_CONFLICT")) throw error;
      }
      await this.#origin.sleep(backoffMs(attempt, session));
      if (terms.signal?.aborted === true) throw abortError(terms.signal);
    }
  }

  async #once<T>(terms: EpochTerms, windows: readonly EpochWindow[], body: Body<T>): Promise<T> {
    const epoch = await this.#open(terms, windows);
    let isRunning = true;
    const checkRunning = (): void => {
      if (!isRunning) throw over();
    };
    const accesses = windows.map((window) => accessOf(epoch, terms, window, checkRunning));
    let result: T;
    try {
      result = await runBody(() => body(...accesses));
    } catch (error) {
      isRunning = false;
      // Of what was never there together whatever it made is of no meaning.
      const conflict = await epoch.findConflict();
      await epoch.abort();
      throw conflict ?? error;
    }
    isRunning = false;
    await epoch.commit();
    return result;
  }

  async #open(terms: EpochTerms, windows: readonly EpochWindow[]): Promise<OpenEpoch> {
    if (terms.signal?.aborted === true) throw abortError(terms.signal);
    const locks = await EpochLocks.take(terms, windows, (window) => this.#find(window));
    const isAtomic = terms.asked.atomicity === "all";
    return isAtomic ? new AtomicEpoch(this.#origin, terms, locks) : new PlainEpoch(terms, locks);
  }

  /** See Cluster.beginEpoch in api.ts. */
  async begin(options: EpochOptions): Promise<Epoch> {
    checkNotNested();
    const terms = epochTerms(options, this.#timeoutMs);
    if (terms.retries > 0) throw invalid("an epoch without a body cannot be run again; use cluster.epoch");
    const ranges = terms.ranges ?? [];
    if (locksRanges(terms.asked) && ranges.length === 0) {
      throw invalid(`isolation "${terms.asked.isolation}" needs ranges where the windows are not known yet`);
    }
    for (const { window } of ranges) if (window !== undefined) checkWindow(terms, this.#find(window));
    const locked = new Set(ranges.map(({ window }) => window));
    const epoch = await this.#open(terms, []);
    return new BegunEpoch(epoch, (window, checkRunning) => {
      const found = this.#find(window);
      found.checkOpen();
      checkWindow(terms, found);
      if (locksRanges(terms.asked) && !locked.has(window))
        throw invalid("no range of that window was locked");
      return accessOf(epoch, terms, found, checkRunning);
    });
  }

  #find(window: DidafsWindow): EpochWindow {
    const found = this.#windows.get(window);
    if (found === undefined) throw invalid("an epoch is on windows of its own cluster");
    return found;
  }
}

/** See Epoch in api.ts. */
class BegunEpoch implements Epoch {
  readonly #epoch: OpenEpoch;
  readonly #access: (window: DidafsWindow, checkRunning: () => void) => EpochAccess;
  readonly #accesses = new Map<DidafsWindow, EpochAccess>();
  #isOver = false;

  constructor(epoch: OpenEpoch, access: (window: DidafsWindow, checkRunning: () => void) => EpochAccess) {
    this.#epoch = epoch;
    this.#access = access;
  }

  on(window: DidafsWindow): EpochAccess {
    this.#checkRunning();
    const known = this.#accesses.get(window);
    if (known !== undefined) return known;
    const access = this.#access(window, () => this.#checkRunning());
    this.#accesses.set(window, access);
    return access;
  }

  async commit(): Promise<void> {
    this.#checkRunning();
    this.#isOver = true;
    await this.#epoch.commit();
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#epoch.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #checkRunning(): void {
    if (this.#isOver) throw over();
  }
}

function accessOf(
  epoch: OpenEpoch,
  { asked }: EpochTerms,
  window: EpochWindow,
  checkRunning: () => void,
): EpochAccess {
  const access = epoch.access(window, checkRunning);
  return asked.isolation === "shared" ? new ReadingAccess(access, window.path) : access;
}

function over(): DidafsError {
  return new DidafsError("ERR_CLOSED", "the epoch is over; what it began with was committed, or aborted");
}

function invalid(why: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", why);
}
