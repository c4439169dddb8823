import type { Clock } from "../ports/clock.ts";
import type { Key } from "../ports/kv.ts";
import type { Channel } from "../rpc/handlers.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { removalRange, removalRegion } from "./keys.ts";
import type { OpenFiles } from "./open-files.ts";
import type { TargetRegistry } from "./registry.ts";
import { emptyTrash, hasTrash, type KeptEntry, TRASH_BEGIN } from "./remove.ts";
import type { MetaStore } from "./store.ts";

/** Removals that one target works on at a time. */
const BATCH_COUNT = 32;
const REMOVE_TIMEOUT_MS = 5000;
/** After a failure, when the target or the store is asked again. */
const RETRY_MS = 5000;

interface Sweep {
  /** Notes were written after the sweep had passed their place, perhaps. */
  again: boolean;
  readonly done: Promise<void>;
}

/**
 * Frees what removed files held: empties the trash, and has targets remove the regions that are noted for them. A note
 * is deleted when its target has confirmed; what fails is repeated after a while, and when the target registers.
 */
export class Reclaimer {
  readonly #store: MetaStore;
  readonly #registry: TargetRegistry;
  readonly #openFiles: OpenFiles;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sweeps = new Map<string, Sweep>();
  readonly #retryAtMs = new Map<string, number>();
  #emptying: Promise<Promise<void>[]> | undefined;
  /** Lets the emptying go on. */
  #nextStep: (() => void) | undefined;
  #trashRetryAtMs: number | undefined;
  /** Since the pass over the trash began. */
  #thrownAway = false;
  /** What was said to stay in the trash. */
  readonly #kept = new Set<string>();

  constructor(store: MetaStore, registry: TargetRegistry, openFiles: OpenFiles, clock: Clock, log: Logger) {
    this.#store = store;
    this.#registry = registry;
    this.#openFiles = openFiles;
    this.#clock = clock;
    this.#log = log;
  }

  /** When it is to be stepped: 0 where that is at once. */
  dueMs(): number {
    if (this.#nextStep !== undefined) return 0;
    return Math.min(this.#trashRetryAtMs ?? Number.POSITIVE_INFINITY, ...this.#retryAtMs.values());
  }

  /** @returns sweeps and steps of emptying begun */
  doWork(nowMs: number): number {
    let begun = 0;
    if (this.#nextStep !== undefined) {
      this.#nextStep();
      this.#nextStep = undefined;
      begun += 1;
    }
    for (const [target, atMs] of this.#retryAtMs) {
      if (atMs > nowMs) continue;
      this.#retryAtMs.delete(target);
      void this.sweep(target);
      begun += 1;
    }
    if (this.#trashRetryAtMs !== undefined && this.#trashRetryAtMs <= nowMs) {
      void this.empty();
      begun += 1;
    }
    return begun;
  }

  /** Removes all that is thrown away. Resolves when it is done or has failed for now; never rejects. */
  async empty(): Promise<void> {
    this.#trashRetryAtMs = undefined;
    this.#thrownAway = true;
    this.#emptying ??= this.#empty();
    await Promise.all(await this.#emptying);
  }

  /** @returns the sweeps that it began */
  async #empty(): Promise<Promise<void>[]> {
    const sweeps = new Map<string, Promise<void>>();
    let place = TRASH_BEGIN;
    let progressed = false;
    try {
      for (;;) {
        // Each step commits, which blocks the service while the drive syncs: others are served in between.
        await new Promise<void>((resolve) => {
          this.#nextStep = resolve;
        });
        if (place === TRASH_BEGIN) this.#thrownAway = false;
        if (!this.#store.read(hasTrash)) break;
        const mayBeOpen = (inode: number) => this.#openFiles.mayBeOpen(inode);
        const unlinking = { wallMs: this.#clock.wallMs(), mayBeOpen };
        const from = place;
        const step = await this.#store.transact((transaction) => emptyTrash(transaction, from, unlinking));
        for (const target of new Set(step.targets)) sweeps.set(target, this.sweep(target));
        for (const entry of step.kept) this.#noteKept(entry);
        progressed ||= step.progressed;
        place = step.next ?? TRASH_BEGIN;
        if (step.next !== undefined) continue;
        // Subdirectories become trash, and others throw away, also behind the back of the pass.
        if (!progressed && !this.#thrownAway) break;
        progressed = false;
      }
    } catch (error) {
      this.#log.warn("emptying the trash failed", { retryMs: RETRY_MS, ...errorFields(error) });
      this.#trashRetryAtMs = this.#clock.nowMs() + RETRY_MS;
    } finally {
      // Not only after the sweeps, and in the same breath as the last look: what is thrown away later is seen by the next.
      this.#emptying = undefined;
    }
    return [...sweeps.values()];
  }

  #noteKept({ directory, name, error }: KeptEntry): void {
    const key = `${directory}/${name}`;
    if (this.#kept.has(key)) return;
    this.#kept.add(key);
    this.#log.warn("a removed file cannot be read and stays", { directory, name, ...errorFields(error) });
  }

  /**
   * Has `target` remove everything that is noted for it by now. Resolves when that is done, has failed for now, or
   * cannot be done because the target is down; never rejects.
   */
  sweep(target: string): Promise<void> {
    const running = this.#sweeps.get(target);
    if (running !== undefined) {
      running.again = true;
      return running.done;
    }
    this.#retryAtMs.delete(target);
    const done = this.#sweep(target).finally(() => this.#sweeps.delete(target));
    this.#sweeps.set(target, { again: false, done });
    return done;
  }

  async #sweep(target: string): Promise<void> {
    // Listed first, so that a call that comes while it looks is not lost.
    await Promise.resolve();
    let failed: boolean;
    do {
      const sweep = this.#sweeps.get(target);
      if (sweep !== undefined) sweep.again = false;
      failed = !(await this.#pass(target));
    } while (this.#sweeps.get(target)?.again === true);
    if (failed) this.#log.warn("removing regions failed", { target, retryMs: RETRY_MS });
    if (failed) this.#retryAtMs.set(target, this.#clock.nowMs() + RETRY_MS);
  }

  /** Goes once over all notes of a target. @returns false when it is worth trying again after a while */
  async #pass(target: string): Promise<boolean> {
    let succeeded = true;
    try {
      for (let notes = this.#notes(target, undefined); notes.length > 0; ) {
        const channel = this.#registry.channelOf(target);
        // It registers when it is back, and is swept then.
        if (channel === undefined) return true;
        succeeded = (await this.#removeAll(channel, notes)) && succeeded;
        notes = this.#notes(target, notes.at(-1));
      }
      return succeeded;
    } catch (error) {
      this.#log.warn("a sweep of removed regions failed", { target, ...errorFields(error) });
      return false;
    }
  }

  #notes(target: string, after: Key | undefined): Key[] {
    const [start, end] = removalRange(target, after);
    return this.#store.read((reader) => Array.from(reader.scan(start, end, BATCH_COUNT), ([key]) => key));
  }

  /** @returns false when some were not removed */
  async #removeAll(channel: Channel, notes: readonly Key[]): Promise<boolean> {
    const options = { timeoutMs: REMOVE_TIMEOUT_MS };
    const calls = notes.map((key) => channel.call("region.remove", removalRegion(key), options));
    const outcomes = await Promise.allSettled(calls);
    const confirmed = notes.filter((_, at) => outcomes[at]?.status === "fulfilled");
    if (confirmed.length > 0) {
      await this.#store.transact((transaction) => {
        for (const key of confirmed) transaction.delete(key);
      });
    }
    this.#log.debug("regions removed", { count: confirmed.length, asked: notes.length });
    return confirmed.length === notes.length;
  }
}
