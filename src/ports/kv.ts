/** Keys are byte strings in lexicographic order, at most 1,900 bytes long; values are byte strings. */
export type Key = Uint8Array;
export type Value = Uint8Array;

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
   * has no effects but its writes and its result.
   * @throws (rejects) ERR_NO_SPACE, ERR_IO, ERR_CLOSED besides what the body raises
   */
  transact<T>(body: (transaction: KvTransaction) => T): Promise<T>;
  close(): Promise<void>;
}
