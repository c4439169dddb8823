import {
  checkedKey,
  type Key,
  type KvEngine,
  type KvReader,
  type KvTransaction,
  type Value,
} from "../ports/kv.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import type { SimRandom } from "./random.ts";
import { SortedMap } from "./sorted-map.ts";

/** What a metadata engine has made durable. It outlives the engine, as a drive does, and serves one at a time. */
export class SimKvDrive {
  /** Values by keys; a key's bytes are the characters of a string, whose order is theirs. */
  readonly entries: SortedMap<Value> = new SortedMap();
  /** Of keys and values, together. */
  usedBytes = 0;
  /** A transaction that takes space fails when more would be used after it; others go on. */
  capacityBytes = Number.POSITIVE_INFINITY;
}

/** Runs a transaction's body and makes its writes durable. @returns what tells the caller */
type Commit = () => () => void;

/**
 * An engine in memory, the same with every run. Transactions that are asked for in one step of the caller are durable
 * at the next microtask, or when a simulation calls what `commitLater` was given.
 */
export class SimKvEngine implements KvEngine {
  readonly #drive: SimKvDrive;
  readonly #commitLater: (commit: () => void) => void;
  #queue: Commit[] = [];
  #closed = false;

  constructor(drive: SimKvDrive, commitLater: (commit: () => void) => void = queueMicrotask) {
    this.#drive = drive;
    this.#commitLater = commitLater;
  }

  read<T>(body: (reader: KvReader) => T): T {
    if (this.#closed) throw closedError();
    return body(new Draft(this.#drive));
  }

  transact<T>(body: (transaction: KvTransaction) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      const commit: Commit = () => {
        try {
          const result = commitTo(this.#drive, body);
          return () => resolve(result);
        } catch (error) {
          return () => reject(error);
        }
      };
      this.#queue.push(commit);
      if (this.#queue.length === 1) this.#commitLater(() => this.#commitQueue());
    });
  }

  async close(): Promise<void> {
    this.#commitQueue();
    this.#closed = true;
  }

  /**
   * Ends the engine as the end of its process does. Of the transactions under way the first few were still made
   * durable, as many as `random` says, and the others were not; none of their promises ever settles.
   */
  crash(random: SimRandom): void {
    const count = random.between(0, this.#queue.length);
    for (const commit of this.#queue.slice(0, count)) commit();
    this.#queue = [];
    this.#closed = true;
  }

  #commitQueue(): void {
    const group = this.#queue;
    this.#queue = [];
    for (const settle of group.map((commit) => commit())) settle();
  }
}

/** @throws ERR_NO_SPACE, and what the body raises; nothing was written then */
function commitTo<T>(drive: SimKvDrive, body: (transaction: KvTransaction) => T): T {
  const draft = new Draft(drive);
  const result = body(draft);
  assert(!(result instanceof Promise), "a transaction's body is synchronous");
  draft.commit();
  return result;
}

/** What is durable, with the writes of one transaction before it. */
class Draft implements KvTransaction {
  readonly #drive: SimKvDrive;
  /** null: deleted. */
  readonly #writes = new SortedMap<Value | null>();

  constructor(drive: SimKvDrive) {
    this.#drive = drive;
  }

  get(key: Key): Value | undefined {
    const name = nameOf(key);
    const written = this.#writes.get(name);
    const value = written === undefined ? this.#drive.entries.get(name) : (written ?? undefined);
    return value?.slice();
  }

  scan(start: Key, end: Key, limit: number): (readonly [Key, Value])[] {
    const found: (readonly [Key, Value])[] = [];
    if (limit === 0) return found;
    for (const [name, value] of this.#entries(nameOf(start), nameOf(end))) {
      found.push([Buffer.from(name, "latin1"), value.slice()]);
      if (found.length === limit) break;
    }
    return found;
  }

  set(key: Key, value: Value): void {
    this.#writes.set(nameOf(key), Uint8Array.from(value));
  }

  delete(key: Key): void {
    this.#writes.set(nameOf(key), null);
  }

  /** @throws ERR_NO_SPACE */
  commit(): void {
    const { entries, usedBytes, capacityBytes } = this.#drive;
    let after = usedBytes;
    for (const [name, value] of this.#writes.entries()) {
      after += entryBytes(name, value) - entryBytes(name, entries.get(name));
    }
    if (after > usedBytes && after > capacityBytes) {
      throw new DidafsError("ERR_NO_SPACE", "no space is left on the simulated drive of the metadata");
    }
    for (const [name, value] of this.#writes.entries()) {
      if (value === null) entries.delete(name);
      else entries.set(name, value);
    }
    this.#drive.usedBytes = after;
  }

  *#entries(start: string, end: string): Generator<readonly [string, Value], void> {
    const durable = this.#drive.entries.entries(start, end);
    const written = this.#writes.entries(start, end);
    let [old, fresh] = [durable.next(), written.next()];
    while (!old.done || !fresh.done) {
      if (fresh.done || (!old.done && old.value[0] < fresh.value[0])) {
        if (!old.done) yield old.value;
        old = durable.next();
        continue;
      }
      const [name, value] = fresh.value;
      if (!old.done && old.value[0] === name) old = durable.next();
      if (value !== null) yield [name, value];
      fresh = written.next();
    }
  }
}

function entryBytes(name: string, value: Value | null | undefined): number {
  return value === null || value === undefined ? 0 : name.length + value.byteLength;
}

function nameOf(key: Key): string {
  const { buffer, byteOffset, byteLength } = checkedKey(key);
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function closedError(): DidafsError {
  return new DidafsError("ERR_CLOSED", "the metadata engine is closed");
}
