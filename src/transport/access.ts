/** A word's value: bigint for i64 and u64, number for the others. */
export type WordValue = bigint | number;

/** How long a call may take, and what takes it back. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The bytes of one bound range of one region, as an origin reaches them. Two implementations, *direct* (mapped) and
 * *tcp* (any data stream), one contract (test/transport/access-contract.ts).
 *
 * `at` is relative to the binding; callers have checked alignment, rights, and that the range lies in the binding. What
 * the region has not at present, because it was cut, is ERR_RANGE. `op` and `word` are numbers of
 * structs/words.ts. Accesses take effect in the order they are issued. Naturally aligned accesses of 1, 2, 4 and 8
 * bytes are one access on the word.
 *
 * Every access throws, or rejects with, ERR_SESSION_LOST once the session has ended, ERR_TIMEOUT, and what the target
 * refuses; promise forms ERR_ABORTED too.
 */
export interface RegionAccess {
  /** How the bytes are reached: mapped, or over a stream of that kind. */
  readonly path: "direct" | "unix" | "tcp";

  getSync(at: number, into: Uint8Array): void;
  putSync(at: number, from: Uint8Array): void;
  loadSync(word: number, at: number): WordValue;
  /** @throws ERR_UNSAFE_INTEGER */
  loadNumberSync(word: number, at: number): number;
  storeSync(word: number, at: number, value: WordValue): void;
  /** @returns the value before */
  fetchOpSync(op: number, word: number, at: number, operand: WordValue): WordValue;
  /** @returns the value before */
  compareAndSwapSync(word: number, at: number, expected: WordValue, desired: WordValue): WordValue;
  /** Returns when every earlier access through this binding is applied, and durable where `stable`. */
  flushSync(stable: boolean): void;

  get(at: number, into: Uint8Array, limits: CallLimits): Promise<void>;
  put(at: number, from: Uint8Array, limits: CallLimits): Promise<void>;
  load(word: number, at: number, limits: CallLimits): Promise<WordValue>;
  store(word: number, at: number, value: WordValue, limits: CallLimits): Promise<void>;
  fetchOp(op: number, word: number, at: number, operand: WordValue, limits: CallLimits): Promise<WordValue>;
  compareAndSwap(
    word: number,
    at: number,
    expected: WordValue,
    desired: WordValue,
    limits: CallLimits,
  ): Promise<WordValue>;
  /** Applies `op` with each element of `from` (its bytes, in memory order) to the words from `at`; atomic per element. */
  accumulate(op: number, word: number, at: number, from: Uint8Array, limits: CallLimits): Promise<void>;
  flush(stable: boolean, limits: CallLimits): Promise<void>;

  /** The mapped bytes of a range. @throws ERR_NOT_DIRECT where nothing is mapped */
  mapped(at: number, length: number): Uint8Array<ArrayBuffer>;
  /** Detaches what `mapped` gave; accesses go on. @throws ERR_IO when the region cannot be mapped again */
  detachMapped(): void;
  /** Gives mapped memory back, detached first. Accesses after it throw ERR_CLOSED or ERR_SESSION_LOST. */
  close(): void;
}
