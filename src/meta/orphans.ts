import type { Clock } from "../ports/clock.ts";
import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { DidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { orphanInode, orphanKey, orphanRange } from "./keys.ts";
import type { OpenFiles } from "./open-files.ts";
import type { Reclaimer } from "./reclaimer.ts";
import type { MetaStore } from "./store.ts";
import { discardFile, isUnreadable } from "./tables.ts";

/** Orphans that one step looks at. */
const STEP_COUNT = 256;
/** After a failure, when all of them are looked at again. */
const RETRY_MS = 5000;

interface Parts {
  readonly store: MetaStore;
  readonly openFiles: OpenFiles;
  readonly reclaimer: Reclaimer;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Removes files without a name once nobody has them open: each when it is closed, and those that a former life of the
 * service has left when nobody has claimed them in time. Stepped.
 */
export class Orphans {
  readonly #parts: Parts;
  /** Files that were closed, orphans or not. */
  readonly #closed = new Set<number>();
  /** When to look at all of them, and from which number on. */
  #scanAtMs: number | undefined;
  #scanFrom = 0;
  #running = false;
  /** What was said to stay. */
  readonly #kept = new Set<number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#scanAtMs = parts.openFiles.claimableUntilMs;
  }

  /** Nobody has the file open any more. */
  closed(inode: number): void {
    this.#closed.add(inode);
  }

  /** When it is to be stepped: 0 where that is at once. */
  dueMs(): number {
    if (this.#running) return Number.POSITIVE_INFINITY;
    return this.#closed.size > 0 ? 0 : (this.#scanAtMs ?? Number.POSITIVE_INFINITY);
  }

  /** @returns files looked at */
  doWork(nowMs: number): number {
    if (this.#running) return 0;
    const inodes = this.#closed.size > 0 ? this.#takeClosed() : this.#scan(nowMs);
    if (inodes.length === 0) return 0;
    const { store, openFiles } = this.#parts;
    const free = store.read((reader) =>
      inodes.filter((inode) => isOrphan(reader, inode) && !openFiles.mayBeOpen(inode)),
    );
    if (free.length > 0) {
      this.#running = true;
      void this.#discard(free).finally(() => {
        this.#running = false;
      });
    }
    return inodes.length;
  }

  #takeClosed(): number[] {
    const inodes = Array.from(this.#closed.values().take(STEP_COUNT));
    for (const inode of inodes) this.#closed.delete(inode);
    return inodes;
  }

  #scan(nowMs: number): number[] {
    if (this.#scanAtMs === undefined || nowMs < this.#scanAtMs) return [];
    const [start, end] = orphanRange(this.#scanFrom);
    const inodes = this.#parts.store.read((reader) =>
      Array.from(reader.scan(start, end, STEP_COUNT), ([key]) => orphanInode(key)),
    );
    this.#scanFrom = (inodes.at(-1) ?? 0) + 1;
    if (inodes.length < STEP_COUNT) {
      this.#scanAtMs = undefined;
      this.#scanFrom = 0;
    }
    return inodes;
  }

  async #discard(inodes: readonly number[]): Promise<void> {
    const { store, openFiles, reclaimer, clock, log } = this.#parts;
    try {
      const outcomes = await store.transact((transaction) =>
        inodes
          .filter((inode) => isOrphan(transaction, inode) && !openFiles.mayBeOpen(inode))
          .map((inode) => discard(transaction, inode)),
      );
      for (const { error, inode } of outcomes) if (error !== undefined) this.#noteKept(inode, error);
      for (const target of new Set(outcomes.flatMap(({ targets }) => targets))) void reclaimer.sweep(target);
    } catch (error) {
      log.warn("files without a name were not removed; it is tried again", errorFields(error));
      this.#scanAtMs = clock.nowMs() + RETRY_MS;
      this.#scanFrom = 0;
    }
  }

  #noteKept(inode: number, error: DidafsError): void {
    if (this.#kept.has(inode)) return;
    this.#kept.add(inode);
    this.#parts.log.warn("a file without a name cannot be read and stays", { inode, ...errorFields(error) });
  }
}

interface Discarded {
  readonly inode: number;
  /** Targets that hold regions to be removed. */
  readonly targets: readonly string[];
  /** Why it stays. */
  readonly error?: DidafsError;
}

/** One that cannot be read keeps no other from going. */
function discard(transaction: KvTransaction, inode: number): Discarded {
  try {
    return { inode, targets: discardFile(transaction, inode) };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { inode, targets: [], error };
  }
}

function isOrphan(reader: KvReader, inode: number): boolean {
  return reader.get(orphanKey(inode)) !== undefined;
}
