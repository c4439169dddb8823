import { open, type RootDatabase } from "lmdb";
import {
  checkedKey,
  type Key,
  type KvEngine,
  type KvReader,
  type KvTransaction,
  type Value,
} from "../../ports/kv.ts";
import { assert } from "../../std/assert.ts";
import { type Applied, DidafsError, isDidafsError } from "../../std/errors.ts";

/** lmdb.h: MDB_MAP_FULL, MDB_TXN_FULL. */
const MDB_FULL: readonly unknown[] = [-30792, -30788];
const EIO = 5;
const ENOSPC = 28;
/** LMDB reports a file system that is full as EIO (a short write); below this many free bytes that is what it means. */
const FULL_BELOW_BYTES = 1 << 20;

export interface LmdbOptions {
  /** Of the data file; LMDB puts its lock file beside it. The directory must exist and belong to this process alone. */
  readonly path: string;
  /** Bytes still free on the file system of `path`. */
  readonly freeBytes: () => number;
}

interface Queued {
  readonly body: (transaction: KvTransaction) => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * LMDB as engine. Transactions that are asked for in one step of the caller share one commit, which syncs the file
 * before it returns: what resolves is durable, and readers never see what is not.
 *
 * The commit blocks the calling thread for the sync. lmdb-js can also commit on a thread of its own, but in 3.5.6 its
 * asynchronous transaction callbacks are never called (seen on Node 20 and 24), and a failed asynchronous commit
 * rejects promises that nobody can catch.
 */
export class LmdbEngine implements KvEngine {
  readonly #db: RootDatabase<Uint8Array, Uint8Array>;
  readonly #freeBytes: () => number;
  #queue: Queued[] = [];
  #closed = false;

  /** @throws ERR_IO, ERR_NO_SPACE */
  constructor(options: LmdbOptions) {
    this.#freeBytes = options.freeBytes;
    try {
      this.#db = open<Uint8Array, Uint8Array>({
        path: options.path,
        noSubdir: true,
        keyEncoding: "binary",
        encoding: "binary",
        cache: false,
        // Would let a commit return, and be read, before it is durable.
        overlappingSync: false,
        noMemInit: false,
      });
    } catch (error) {
      throw this.#typed(error, "opening");
    }
  }

  read<T>(body: (reader: KvReader) => T): T {
    if (this.#closed) throw closedError();
    const transaction = this.#db.useReadTransaction();
    try {
      return body({
        get: (key) => this.#db.get(checkedKey(key), { transaction }),
        scan: (start, end, limit) => entries(this.#db, start, end, limit, transaction),
      });
    } finally {
      transaction.done();
    }
  }

  transact<T>(body: (transaction: KvTransaction) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      this.#queue.push({ body, resolve: resolve as (result: unknown) => void, reject });
      // What else this step asks for is in the queue by then, and shares the commit.
      if (this.#queue.length === 1) queueMicrotask(() => this.#commitQueue());
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commitQueue();
    this.#closed = true;
    await this.#db.close();
  }

  #commitQueue(): void {
    const group = this.#queue;
    this.#queue = [];
    if (group.length === 0 || this.#commit(group) || group.length === 1) return;
    // One of them may have been too much for the drive; the others must not fail with it.
    for (const queued of group) this.#commit([queued]);
  }

  /** @returns false when the commit failed and a group is to be tried one by one */
  #commit(group: readonly Queued[]): boolean {
    const settle: (() => void)[] = [];
    try {
      this.#db.transactionSync(() => {
        for (const { body, resolve, reject } of group) {
          const outcome = this.#run(body);
          settle.push("error" in outcome ? () => reject(outcome.error) : () => resolve(outcome.result));
        }
      });
    } catch (error) {
      // Once all bodies have run it is the writing or the syncing that failed, and LMDB does not tell which.
      const applied = settle.length === group.length ? "unknown" : "no";
      if (group.length === 1) group[0]?.reject(this.#typed(error, "committing", applied));
      return false;
    }
    for (const step of settle) step();
    return true;
  }

  /** Runs one body in a transaction of its own inside the group's, so that its failure undoes its writes only. */
  #run(body: Queued["body"]): { readonly result: unknown } | { readonly error: unknown } {
    let thrown: { readonly error: unknown } | undefined;
    try {
      const result = this.#db.transactionSync(() => {
        try {
          return body(this.#transaction);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
      assert(!(result instanceof Promise), "a transaction's body is synchronous");
      return { result };
    } catch (error) {
      // Errors of the engine spoil the whole commit; what the body raised is its own affair.
      if (thrown !== undefined && !isEngineError(thrown.error)) return thrown;
      throw error;
    }
  }

  readonly #transaction: KvTransaction = {
    get: (key) => this.#db.get(checkedKey(key)),
    scan: (start, end, limit) => entries(this.#db, start, end, limit),
    set: (key, value) => {
      this.#db.putSync(checkedKey(key), value);
    },
    delete: (key) => {
      this.#db.removeSync(checkedKey(key));
    },
  };

  #typed(cause: unknown, doing: string, applied: Applied = "no"): DidafsError {
    if (isDidafsError(cause)) return cause;
    const { code, message } = cause as { code?: unknown; message?: string };
    const full =
      code === ENOSPC || MDB_FULL.includes(code) || (code === EIO && this.#freeBytes() < FULL_BELOW_BYTES);
    if (full) {
      return new DidafsError("ERR_NO_SPACE", "no space is left on the drive that holds the metadata", {
        cause,
      });
    }
    return new DidafsError("ERR_IO", `${doing} the metadata failed: ${message}`, { applied, cause });
  }
}

function entries(
  db: RootDatabase<Uint8Array, Uint8Array>,
  start: Key,
  end: Key,
  limit: number,
  transaction?: ReturnType<RootDatabase["useReadTransaction"]>,
): (readonly [Key, Value])[] {
  const range = {
    start: checkedKey(start),
    end: checkedKey(end),
    limit,
    ...(transaction && { transaction }),
  };
  const found: (readonly [Key, Value])[] = [];
  if (limit > 0) for (const { key, value } of db.getRange(range)) found.push([key, value]);
  return found;
}

function closedError(): DidafsError {
  return new DidafsError("ERR_CLOSED", "the metadata engine is closed");
}

/** lmdb-js raises plain errors with the number of LMDB or of the system. */
function isEngineError(error: unknown): boolean {
  return !isDidafsError(error) && typeof (error as { code?: unknown } | undefined)?.code === "number";
}
