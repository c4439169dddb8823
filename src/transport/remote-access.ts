import { codeOf, DidafsError, ERROR_TABLE, type ErrorCode, isDidafsError, statusOf } from "../std/errors.ts";
import { WORD_BYTES } from "../structs/words.ts";
import { MAX_PAYLOAD_BYTES, OPCODE } from "../wire/header.ts";
import { FLUSH_MEMORY, FLUSH_STABLE, LOCK_EXCLUSIVE, opFlags, WORD_WAIT_END } from "../wire/ops.ts";
import type { LockAsk, RegionAccess, WordValue } from "./access.ts";
import { type CallLimits, timeoutError } from "./call-limits.ts";
import { HeldLocks } from "./held-locks.ts";
import { NotifiedAccess } from "./notified-access.ts";
import type { RemoteLink } from "./remote-link.ts";
import { closedBy } from "./session-state.ts";
import { SyncWait } from "./sync-wait.ts";
import { INLINE_BYTES, RemoteBinding, Transfer } from "./transfer.ts";
import { setCompare, setOperand, wordNumberValue, wordValue } from "./word-value.ts";

/** Answers to so many are outstanding at most: the commands that release what they wait for need places too. */
const WAITING_LOCKS_MAX = 128;

/** Waits for words have so many places at most, for the same reason. */
const WORD_WAITS_MAX = 64;
const TIMED_OUT = statusOf("ERR_TIMEOUT");
const TAKEN_BACK = statusOf("ERR_ABORTED");
/** What a put may be refused with while its bytes are on their way into the region. */
const WHILE_ARRIVING: ReadonlySet<ErrorCode> = new Set(["ERR_RANGE", "ERR_REVOKED", "ERR_BAD_HANDLE"]);

/** One binding reached by commands on a data connection: TCP, or the unix socket on the same machine. */
export class RemoteAccess implements RegionAccess {
  readonly path: "unix" | "tcp";
  readonly link: RemoteLink;
  readonly binding: RemoteBinding;
  readonly held: HeldLocks = new HeldLocks();
  readonly notified: NotifiedAccess;
  readonly #waitBinding: RemoteBinding;
  /** How long the Sync forms wait. */
  readonly #timeoutMs: number;
  #sync = new Transfer();
  readonly #wait: SyncWait;
  /** Once it is closed: what accesses throw. */
  #closed: (() => DidafsError) | undefined;

  constructor(link: RemoteLink, path: "unix" | "tcp", handle: number, timeoutMs: number) {
    this.link = link;
    this.path = path;
    this.binding = new RemoteBinding(handle);
    this.#waitBinding = new RemoteBinding(handle);
    this.#timeoutMs = timeoutMs;
    this.#wait = new SyncWait([link]);
    this.notified = new NotifiedAccess({
      link,
      binding: this.binding,
      checkOpen: () => this.#checkOpen(),
      failureOf: this.#failureOf,
    });
  }

  getSync(at: number, into: Uint8Array): void {
    this.#runSync(this.#carry(this.#sync, OPCODE.GET, 0, at, into));
  }

  putSync(at: number, from: Uint8Array): void {
    this.#runSync(this.#carry(this.#sync, OPCODE.PUT, 0, at, from));
  }

  loadSync(word: number, at: number): WordValue {
    return this.#valueSync(word, this.#ask(this.#sync, OPCODE.GET, 0, at, word));
  }

  loadNumberSync(word: number, at: number): number {
    const transfer = this.#ask(this.#sync, OPCODE.GET, 0, at, word);
    this.#runSync(transfer);
    return wordNumberValue(word, transfer.valueLow, transfer.valueHigh);
  }

  storeSync(word: number, at: number, value: WordValue): void {
    const transfer = this.#ask(this.#sync, OPCODE.PUT, 0, at, word);
    setOperand(transfer, word, value);
    this.#runSync(transfer);
  }

  fetchOpSync(op: number, word: number, at: number, operand: WordValue): WordValue {
    const transfer = this.#ask(this.#sync, OPCODE.FETCH_OP, opFlags(op, word), at, word);
    setOperand(transfer, word, operand);
    return this.#valueSync(word, transfer);
  }

  compareAndSwapSync(word: number, at: number, expected: WordValue, desired: WordValue): WordValue {
    const transfer = this.#ask(this.#sync, OPCODE.COMPARE_AND_SWAP, word, at, word);
    setOperand(transfer, word, desired);
    setCompare(transfer, word, expected);
    return this.#valueSync(word, transfer);
  }

  flushSync(stable: boolean): void {
    if (this.#nothingToWaitFor(stable)) return;
    this.#runSync(this.#sync.reset(OPCODE.FLUSH, stable ? FLUSH_STABLE : FLUSH_MEMORY, 0, 0));
  }

  get(at: number, into: Uint8Array, limits: CallLimits): Promise<void> {
    return this.#run(this.#carry(new Transfer(), OPCODE.GET, 0, at, into), limits);
  }

  put(at: number, from: Uint8Array, limits: CallLimits): Promise<void> {
    return this.#run(this.#carry(new Transfer(), OPCODE.PUT, 0, at, from), limits);
  }

  async load(word: number, at: number, limits: CallLimits): Promise<WordValue> {
    return this.#value(word, this.#ask(new Transfer(), OPCODE.GET, 0, at, word), limits);
  }

  async store(word: number, at: number, value: WordValue, limits: CallLimits): Promise<void> {
    const transfer = this.#ask(new Transfer(), OPCODE.PUT, 0, at, word);
    setOperand(transfer, word, value);
    await this.#run(transfer, limits);
  }

  async fetchOp(
    op: number,
    word: number,
    at: number,
    operand: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    const transfer = this.#ask(new Transfer(), OPCODE.FETCH_OP, opFlags(op, word), at, word);
    setOperand(transfer, word, operand);
    return this.#value(word, transfer, limits);
  }

  async compareAndSwap(
    word: number,
    at: number,
    expected: WordValue,
    desired: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    const transfer = this.#ask(new Transfer(), OPCODE.COMPARE_AND_SWAP, word, at, word);
    setOperand(transfer, word, desired);
    setCompare(transfer, word, expected);
    return this.#value(word, transfer, limits);
  }

  async accumulate(
    op: number,
    word: number,
    at: number,
    from: Uint8Array,
    limits: CallLimits,
  ): Promise<void> {
    const transfer = this.#carry(new Transfer(), OPCODE.ACCUMULATE, opFlags(op, word), at, from);
    transfer.address = this.link.memory.addressOf(from);
    await this.#run(transfer, limits);
  }

  async flush(stable: boolean, limits: CallLimits): Promise<void> {
    if (this.#nothingToWaitFor(stable)) return;
    const flags = stable ? FLUSH_STABLE : FLUSH_MEMORY;
    await this.#run(new Transfer().reset(OPCODE.FLUSH, flags, 0, 0), limits);
  }

  async lock(
    at: number,
    length: number,
    { exclusive, waits }: LockAsk,
    limits: CallLimits,
  ): Promise<number | undefined> {
    this.#checkOpen();
    const { connection } = this.link;
    if (waits && connection.waitingLocks >= WAITING_LOCKS_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `${WAITING_LOCKS_MAX} requests for locks wait at target ${this.link.session.target} already`,
      );
    }
    connection.lockCount += 1;
    const lock = connection.lockCount;
    const transfer = new Transfer().reset(OPCODE.LOCK, exclusive ? LOCK_EXCLUSIVE : 0, at, length);
    setNumber(transfer, lock);
    transfer.compareLow = waits ? Math.ceil(limits.timeoutMs) : 0;
    // One of its own: what waits is no access that is under way.
    transfer.binding = this.#waitBinding;
    connection.waitingLocks += 1;
    try {
      await this.link.pump.run(connection, transfer, limits, this.#failureOf);
    } catch (error) {
      // It may be granted at this moment; whatever became of it ends. Who hears of it no more does not hold it.
      if (isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED") && transfer.abandoned) this.#giveUp(lock);
      throw error;
    } finally {
      connection.waitingLocks -= 1;
    }
    return transfer.valueLow === 0 ? undefined : lock;
  }

  async unlock(lock: number, limits: CallLimits): Promise<void> {
    // The window may be closed by now, and the session is what owns it.
    if (this.link.session.isLost) return;
    const transfer = setNumber(new Transfer().reset(OPCODE.UNLOCK, 0, 0, 0), lock);
    // What was lost with the session is released.
    const failureOf = (settled: Transfer): DidafsError | undefined =>
      settled.lost ? undefined : this.#failureOf(settled);
    await this.link.pump.run(this.link.connection, transfer, limits, failureOf);
  }

  #giveUp(lock: number): void {
    this.unlock(lock, { timeoutMs: this.#timeoutMs, signal: undefined }).catch(() => {
      // The target has lost the session then, and the lock with it.
    });
  }

  async waitWord(
    word: number,
    at: number,
    seen: WordValue,
    waitMs: number,
    limits: CallLimits,
  ): Promise<WordValue | undefined> {
    this.#checkOpen();
    const { connection, pump, session } = this.link;
    if (connection.wordWaits >= WORD_WAITS_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `${WORD_WAITS_MAX} waits for words are under way at target ${session.target} already; let some of them end`,
      );
    }
    const transfer = this.#ask(new Transfer(), OPCODE.WORD_WAIT, 0, at, word);
    setOperand(transfer, word, seen);
    transfer.compareLow = Math.max(1, Math.ceil(waitMs));
    transfer.binding = this.#waitBinding;
    // Somebody who waits for the same word may have taken both back.
    const isOver = ({ status }: Transfer): boolean => status === TIMED_OUT || status === TAKEN_BACK;
    const failureOf = (settled: Transfer): DidafsError | undefined =>
      isOver(settled) ? undefined : this.failureOf(settled);
    try {
      await pump.run(connection, transfer, limits, failureOf);
    } catch (error) {
      if (transfer.abandoned) this.#takeBack(word, at);
      throw error;
    }
    return isOver(transfer) ? undefined : wordValue(word, transfer.valueLow, transfer.valueHigh);
  }

  #takeBack(word: number, at: number): void {
    if (this.#closed !== undefined || this.link.session.isLost) return;
    const transfer = this.#ask(new Transfer(), OPCODE.WORD_WAIT, WORD_WAIT_END, at, word);
    transfer.binding = this.#waitBinding;
    const limits = { timeoutMs: this.#timeoutMs, signal: undefined };
    this.link.pump.run(this.link.connection, transfer, limits, this.#failureOf).catch(() => {
      // Then it ends with its time, or with the window.
    });
  }

  /** Tells of bytes that were stored to through a mapping. */
  touchedSync(at: number, length: number): void {
    try {
      this.#runSync(this.#sync.reset(OPCODE.WORDS_TOUCHED, 0, at, length));
    } catch (error) {
      throw notTold(error);
    }
  }

  async touched(at: number, length: number, limits: CallLimits): Promise<void> {
    try {
      await this.#run(new Transfer().reset(OPCODE.WORDS_TOUCHED, 0, at, length), limits);
    } catch (error) {
      throw notTold(error);
    }
  }

  begin(transfer: Transfer): boolean {
    this.#checkOpen();
    transfer.binding = this.binding;
    this.#addressBytes(transfer);
    this.link.connection.enqueue(transfer);
    return false;
  }

  mapped(_at: number, _length: number): Uint8Array<ArrayBuffer> {
    throw new DidafsError(
      "ERR_NOT_DIRECT",
      `this window is reached over ${this.path === "tcp" ? "TCP" : "a unix socket"}, so its bytes are not mapped here; use get and put, or open all of the file on the machine that holds it`,
    );
  }

  detachMapped(): void {}

  close(): void {
    this.#closed ??= closedBy(this.link.session);
  }

  /** What has settled is applied: a flush to memory concerns only what has not. */
  #nothingToWaitFor(stable: boolean): boolean {
    this.#checkOpen();
    return !stable && this.binding.pending === 0;
  }

  /** An access that moves the caller's bytes. */
  #carry(transfer: Transfer, opcode: number, flags: number, at: number, bytes: Uint8Array): Transfer {
    transfer.reset(opcode, flags, at, bytes.byteLength).lend(bytes, 0);
    this.#addressBytes(transfer);
    return transfer;
  }

  #addressBytes(transfer: Transfer): void {
    if (transfer.length > INLINE_BYTES) transfer.address = this.link.memory.addressOf(transfer.u8);
  }

  /** An access whose operand and result are words in the header. */
  #ask(transfer: Transfer, opcode: number, flags: number, at: number, word: number): Transfer {
    return transfer.reset(opcode, flags, at, WORD_BYTES[word] as number);
  }

  #valueSync(word: number, transfer: Transfer): WordValue {
    this.#runSync(transfer);
    return wordValue(word, transfer.valueLow, transfer.valueHigh);
  }

  async #value(word: number, transfer: Transfer, limits: CallLimits): Promise<WordValue> {
    await this.#run(transfer, limits);
    return wordValue(word, transfer.valueLow, transfer.valueHigh);
  }

  #run(transfer: Transfer, limits: CallLimits): Promise<void> {
    const { connection, pump } = this.link;
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    if (this.link.session.isLost) return Promise.reject(this.link.session.error("no"));
    transfer.binding = this.binding;
    return pump.run(connection, transfer, limits, this.#failureOf);
  }

  #runSync(transfer: Transfer): void {
    this.#checkOpen();
    transfer.binding = this.binding;
    this.link.connection.submit(transfer);
    if (!this.#wait.until(transfer, this.#timeoutMs)) {
      // Late answers go to the abandoned transfer; the next Sync access takes a new one.
      this.#sync = new Transfer();
      throw timeoutError(this.#timeoutMs, this.link.connection.abandon(transfer) ? "no" : "unknown");
    }
    const failure = this.failureOf(transfer);
    if (failure !== undefined) throw failure;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed();
    if (this.link.session.isLost) throw this.link.session.error("no");
  }

  readonly #failureOf = (transfer: Transfer): DidafsError | undefined => this.failureOf(transfer);

  failureOf(transfer: Transfer): DidafsError | undefined {
    if (transfer.status !== 0) return this.#refusal(transfer);
    return transfer.lost ? this.link.session.error("unknown") : undefined;
  }

  #refusal(transfer: Transfer): DidafsError {
    const code = codeOf(transfer.status);
    const { target } = this.link.session;
    const [, , , meaning] = ERROR_TABLE[code];
    // One command is refused before it is applied, except by a drive that fails, or where the file is cut, or the window
    // goes, while the payload arrives.
    const meanwhile = code === "ERR_IO" || (WHILE_ARRIVING.has(code) && transfer.length > INLINE_BYTES);
    // Bytes may be there though nobody will be told of them.
    const isUntold = transfer.notifies && (code === "ERR_TOO_MANY" || code === "ERR_ABORTED");
    const partly = transfer.writes && (transfer.length > MAX_PAYLOAD_BYTES || meanwhile || isUntold);
    const applied = partly ? "unknown" : "no";
    return new DidafsError(code, `target ${target} refused the access: ${meaning}`, { applied, target });
  }
}

/** The bytes are in place all the same, where the region is still the window's. */
function notTold(error: unknown): unknown {
  if (!isDidafsError(error)) return error;
  const { code, message, path, target } = error;
  const applied = isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED") ? "yes" : "unknown";
  const text = `it was stored, but who waits for it could not be told: ${message}`;
  return new DidafsError(code, text, { applied, path, target, cause: error });
}

function setNumber(transfer: Transfer, number: number): Transfer {
  transfer.operandLow = number | 0;
  transfer.operandHigh = (number / 2 ** 32) | 0;
  return transfer;
}
