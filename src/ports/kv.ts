import { DidafsError } from "../std/errors.ts";

/** Keys are byte strings in lexicographic order, 1 to KEY_BYTES_MAX bytes long; values are byte strings. */
export type Key = Uint8Array;
export type Value = Uint8Array;

export const KEY_BYTES_MAX = 1900;

/** What an engine does first with a key, or with an end of a scan. @throws ERR_INVALID_ARGUMENT */
export function checkedKey(key: Key): Key {
  if (key.byteLength > 0 && key.byteLength <= KEY_BYTES_MAX) return key;
  throw new DidafsError(
    "ERR_INVALID_ARGUMENT",
    `a key has 1 to ${KEY_BYTES_MAX} bytes, not ${key.byteLength}`,
  );
}

/** What it returns belongs to the caller. Keys, ends of scans included, are checked: ERR_INVALID_ARGUMENT. */
export interface KvReader {
  get(key: Key): Value | undefined;
  /** Entries with start <= key < end, in order, at most `limit`. */
  scan(start: Key, end: Key, limit: number): Iterable<readonly [Key, Value]>;
}

export interface KvTransaction extends KvReader {
  set(key: Key, value: Value): void;
  delete(key: Key): void;
}

/** A transactional ordered key-value engine. One conformance suite runs on every implementation. */
export interface KvEngine {
  /** Runs `body` on one consistent snapshot of what is durable. @throws ERR_CLOSED, ERR_IO */
  read<T>(body: (reader: KvReader) => T): T;
  /**
   * Runs `body` alone, serializably. Resolves with its result once the writes are durable; a body that throws
   * writes nothing and the promise rejects with that error. The body is synchronous, and may run more than once: it
   * has no effects but its writes and its result. The thread does nothing else between the run of the body that counts
   * and the time from which reads see its writes.
   * @throws (rejects) ERR_NO_SPACE, ERR_IO (`applied` "unknown" where the commit failed), ERR_CLOSED besides what the body raises
   */
  transact<T>(body: (transaction: KvTransaction) => T): Promise<T>;
  close(): Promise<void>;
}
