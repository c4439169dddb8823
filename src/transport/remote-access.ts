import type { Clock, Idler } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { codeOf, DidafsError, ERROR_TABLE } from "../std/errors.ts";
import { WORD_BYTES } from "../structs/words.ts";
import { MAX_PAYLOAD_BYTES, OPCODE } from "../wire/header.ts";
import { FLUSH_MEMORY, FLUSH_STABLE, opFlags } from "../wire/ops.ts";
import type { CallLimits, RegionAccess, WordValue } from "./access.ts";
import type { DataConnection } from "./data-connection.ts";
import { BLOCK, IdleStrategy, YIELD } from "./idle-strategy.ts";
import type { Pump } from "./pump.ts";
import { closedBy, type SessionState } from "./session-state.ts";
import { INLINE_BYTES, Transfer } from "./transfer.ts";
import { setCompare, setOperand, wordNumberValue, wordValue } from "./word-value.ts";

const SPIN_ROUNDS = 200;
const YIELD_ROUNDS = 2000;
/** Polls of a Sync form before its deadline begins, with or without progress: a target may trickle for ever. */
const UNTIMED_ROUNDS = SPIN_ROUNDS + YIELD_ROUNDS;
/** Longest single wait in the kernel, so that a session's end is seen in time. */
const WAIT_MS = 20;

/** What all bindings of one session at one worker share. */
export interface RemoteLink {
  readonly connection: DataConnection;
  readonly session: SessionState;
  readonly pump: Pump;
  readonly clock: Clock;
  readonly idler: Idler;
  readonly memory: MemoryPort;
}

/** One binding reached by commands on a data connection: TCP, or the unix socket on the same machine. */
export class RemoteAccess implements RegionAccess {
  readonly path: "unix" | "tcp";
  /** Promise forms, and calls given up, that the target has not answered: all, and those that change bytes. */
  pending = 0;
  pendingWrites = 0;
  readonly #link: RemoteLink;
  readonly #handle: number;
  /** How long the Sync forms wait. */
  readonly #timeoutMs: number;
  #sync = new Transfer();
  readonly #idle = new IdleStrategy(SPIN_ROUNDS, YIELD_ROUNDS);
  /** Once it is closed: what accesses throw. */
  #closed: (() => DidafsError) | undefined;

  constructor(link: RemoteLink, path: "unix" | "tcp", handle: number, timeoutMs: number) {
    this.#link = link;
    this.path = path;
    this.#handle = handle;
    this.#timeoutMs = timeoutMs;
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
    this.#runSync(this.#sync.reset(OPCODE.FLUSH, stable ? FLUSH_STABLE : FLUSH_MEMORY, this.#handle, 0, 0));
  }

  async get(at: number, into: Uint8Array, limits: CallLimits): Promise<void> {
    await this.#run(this.#carry(new Transfer(), OPCODE.GET, 0, at, into), limits);
  }

  async put(at: number, from: Uint8Array, limits: CallLimits): Promise<void> {
    await this.#run(this.#carry(new Transfer(), OPCODE.PUT, 0, at, from), limits);
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
    transfer.memory ??= this.#link.memory.borrow(from);
    await this.#run(transfer, limits);
  }

  async flush(stable: boolean, limits: CallLimits): Promise<void> {
    if (this.#nothingToWaitFor(stable)) return;
    const flags = stable ? FLUSH_STABLE : FLUSH_MEMORY;
    await this.#run(new Transfer().reset(OPCODE.FLUSH, flags, this.#handle, 0, 0), limits);
  }

  mapped(_at: number, _length: number): Uint8Array<ArrayBuffer> {
    throw new DidafsError(
      "ERR_NOT_DIRECT",
      `this window is reached over ${this.path === "tcp" ? "TCP" : "a unix socket"}, so its bytes are not mapped here; use get and put, or open all of the file on the machine that holds it`,
    );
  }

  detachMapped(): void {}

  close(): void {
    this.#closed ??= closedBy(this.#link.session);
  }

  /** What has settled is applied: a flush to memory concerns only what has not. */
  #nothingToWaitFor(stable: boolean): boolean {
    this.#checkOpen();
    return !stable && this.pending === 0;
  }

  /** An access that moves the caller's bytes. */
  #carry(transfer: Transfer, opcode: number, flags: number, at: number, bytes: Uint8Array): Transfer {
    transfer.reset(opcode, flags, this.#handle, at, bytes.byteLength);
    transfer.bytes = bytes;
    if (bytes.byteLength > INLINE_BYTES) transfer.memory = this.#link.memory.borrow(bytes);
    return transfer;
  }

  /** An access whose operand and result are words in the header. */
  #ask(transfer: Transfer, opcode: number, flags: number, at: number, word: number): Transfer {
    return transfer.reset(opcode, flags, this.#handle, at, WORD_BYTES[word] as number);
  }

  #valueSync(word: number, transfer: Transfer): WordValue {
    this.#runSync(transfer);
    return wordValue(word, transfer.valueLow, transfer.valueHigh);
  }

  async #value(word: number, transfer: Transfer, limits: CallLimits): Promise<WordValue> {
    await this.#run(transfer, limits);
    return wordValue(word, transfer.valueLow, transfer.valueHigh);
  }

  async #run(transfer: Transfer, limits: CallLimits): Promise<void> {
    this.#checkOpen();
    this.#countPending(transfer, 1);
    try {
      await this.#link.pump.run(this.#link.connection, transfer, limits);
    } finally {
      if (transfer.abandoned && !transfer.settled) this.#countWhenSettled(transfer);
      else this.#countPending(transfer, -1);
    }
    this.#checkOutcome(transfer);
  }

  #countPending(transfer: Transfer, change: 1 | -1): void {
    this.pending += change;
    if (transfer.writes) this.pendingWrites += change;
  }

  /** What was given up may still be applied: until the target has answered, reads and flushes go behind it. */
  #countWhenSettled(transfer: Transfer): void {
    transfer.onSettled = () => this.#countPending(transfer, -1);
  }

  #runSync(transfer: Transfer): void {
    this.#checkOpen();
    const { connection, session } = this.#link;
    connection.submit(transfer);
    for (let round = 0; !transfer.settled; round += 1) {
      const step = this.#idle.next(connection.poll());
      if (step === BLOCK || round >= UNTIMED_ROUNDS) this.#waitForAnswer(transfer);
      else if (step === YIELD) this.#yield();
      if (session.isLost && !transfer.settled) connection.end();
    }
    this.#idle.next(1);
    this.#checkOutcome(transfer);
  }

  #yield(): void {
    const { clock, idler } = this.#link;
    const fromMs = clock.nowMs();
    idler.yield();
    this.#idle.yielded(clock.nowMs() - fromMs);
  }

  // Most answers come before this, so the deadline begins here and the fast path reads no clock.
  #waitForAnswer(transfer: Transfer): void {
    const { connection, clock, idler, session } = this.#link;
    const deadlineMs = clock.nowMs() + this.#timeoutMs;
    while (!transfer.settled && !session.isLost) {
      const moved = connection.poll();
      if (transfer.settled) return;
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs <= 0) {
        // Late answers go to the abandoned transfer; the next Sync access takes a new one.
        this.#sync = new Transfer();
        const applied = connection.abandon(transfer) ? "no" : "unknown";
        if (!transfer.settled) {
          this.#countPending(transfer, 1);
          this.#countWhenSettled(transfer);
        }
        throw new DidafsError("ERR_TIMEOUT", `the target did not answer within ${this.#timeoutMs} ms`, {
          applied,
        });
      }
      if (moved === 0)
        idler.waitReadable(connection.stream, Math.min(leftMs, connection.sending ? 1 : WAIT_MS));
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed();
    if (this.#link.session.isLost) throw this.#link.session.error("no");
  }

  #checkOutcome(transfer: Transfer): void {
    if (transfer.status !== 0) {
      const code = codeOf(transfer.status);
      const { target } = this.#link.session;
      const [, , , meaning] = ERROR_TABLE[code];
      // One command is refused before it is applied, except by a drive that fails, or where the file is cut, while the
      // payload arrives.
      const meanwhile = code === "ERR_IO" || (code === "ERR_RANGE" && transfer.length > INLINE_BYTES);
      const partly = transfer.writes && (transfer.length > MAX_PAYLOAD_BYTES || meanwhile);
      const applied = partly ? "unknown" : "no";
      throw new DidafsError(code, `target ${target} refused the access: ${meaning}`, { applied, target });
    }
    if (transfer.lost) throw this.#link.session.error("unknown");
  }
}
