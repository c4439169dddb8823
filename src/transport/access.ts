import type { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "./call-limits.ts";
import type { HeldLocks } from "./held-locks.ts";
import type { NotifiedAccess } from "./notified-access.ts";
import type { RemoteLink } from "./remote-link.ts";
import type { Transfer } from "./transfer.ts";

/** A word's value: bigint for i64 and u64, number for the others. */
export type WordValue = bigint | number;

export interface LockAsk {
  readonly exclusive: boolean;
  /** It may wait, as long as the call. */
  readonly waits: boolean;
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
  /** Where its commands go, those of direct access to managed regions too. */
  readonly link: RemoteLink;

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

  /** Accesses that notify, and queues of notifications. */
  readonly notified: NotifiedAccess;

  /**
   * Waits until a word of an integer type is another one than `seen`, `waitMs` at most.
   * @returns what it is then; undefined where it may still be `seen`, and is to be asked for again
   * @throws ERR_TOO_MANY
   */
  waitWord(
    word: number,
    at: number,
    seen: WordValue,
    waitMs: number,
    limits: CallLimits,
  ): Promise<WordValue | undefined>;

  /** Who is told when all that was locked here is lost. */
  readonly held: HeldLocks;
  /**
   * Asks for a lock on the bytes of the region, whoever reaches them; where the wait ends by an error, it is not held.
   * @returns its number, or undefined where it may not wait and would have to
   * @throws ERR_DEADLOCK, ERR_TOO_MANY
   */
  lock(at: number, length: number, ask: LockAsk, limits: CallLimits): Promise<number | undefined>;
  /** Releases it; no matter whether it is held still. */
  unlock(lock: number, limits: CallLimits): Promise<void>;

  /**
   * Begins the get or put that `transfer` describes, one of a batch.
   * @returns true when it is done; otherwise it has been queued on the link's connection, and settles
   */
  begin(transfer: Transfer): boolean;
  /** What a transfer that was begun here and has settled failed with, if it did. */
  failureOf(transfer: Transfer): DidafsError | undefined;

  /** The mapped bytes of a range. @throws ERR_NOT_DIRECT where nothing is mapped */
  mapped(at: number, length: number): Uint8Array<ArrayBuffer>;
  /** Detaches what `mapped` gave; accesses go on. @throws ERR_IO when the region cannot be mapped again */
  detachMapped(): void;
  /** Gives mapped memory back, detached first. Accesses after it throw ERR_CLOSED or ERR_SESSION_LOST. */
  close(): void;
}
