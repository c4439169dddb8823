import type { Memory, MemoryBehindHeader, MemoryPort } from "../ports/memory.ts";
import { DidafsError } from "../std/errors.ts";
import { loadSmall, storeSmall } from "../structs/halves.ts";
import { REGION_HEADER_BYTES } from "../structs/region-header.ts";
import { isWaitedFor } from "../structs/region-waits.ts";
import {
  compareAndSwap32,
  compareAndSwap64,
  compareAndSwapF64,
  fetchOp,
  fetchOpF64,
  WORD_BYTES,
} from "../structs/words.ts";
import { OPCODE } from "../wire/header.ts";
import type { LockAsk, RegionAccess, WordValue } from "./access.ts";
import { BoardAccess, type BoardSource } from "./board-access.ts";
import { abortError, type CallLimits } from "./call-limits.ts";
import type { HeldLocks } from "./held-locks.ts";
import { MappedLines } from "./mapped-lines.ts";
import { WORKER } from "./notice-writer.ts";
import { MAPPED_PUT, type MappedPuts, type NotifiedAccess } from "./notified-access.ts";
import { PresentLength } from "./present-length.ts";
import type { RemoteAccess } from "./remote-access.ts";
import type { RemoteLink } from "./remote-link.ts";
import { closedBy, type SessionState } from "./session-state.ts";
import { INLINE_BYTES, type RemoteBinding, type Transfer } from "./transfer.ts";
import { numberOfBits, wordValue } from "./word-value.ts";

const I64 = 0;
const U64 = 1;
const F64 = 4;
const REPLACE = 6;

// A small access passes through these; one a thread.
const small = new ArrayBuffer(INLINE_BYTES);
const smallWords = new Int32Array(small);
const smallBytes = new Uint8Array(small);

/** A region's bytes behind a descriptor that came from the target. */
export interface MappableRegion {
  readonly descriptor: number;
  /** Where the region's first byte lies behind the descriptor, which is behind its header. */
  readonly dataOffset: number;
  readonly byteLength: number;
  readonly closeDescriptor: (descriptor: number) => void;
}

/**
 * One whole region, mapped. Reads are loads from the mapping. Writes are stores to it on a raw window that may write
 * (`stores`), and puts that notify use the region's board there; on a managed one they go to the region's home worker, and so
 * does all else that needs the target. While such a write is under way reads and writes follow it there, so that the order of issue holds.
 */
export class DirectAccess implements RegionAccess, MappedPuts {
  readonly path = "direct";
  readonly link: RemoteLink;
  readonly board: BoardAccess;
  readonly #memoryPort: MemoryPort;
  readonly #session: SessionState;
  readonly #remote: RemoteAccess;
  readonly #binding: RemoteBinding;
  readonly #region: MappableRegion;
  readonly #stores: boolean;
  #memory: MemoryBehindHeader;
  #length: PresentLength;
  /** From `mapLines` on. */
  #lines: MappedLines | undefined;
  /** Views of the memory have been handed out. */
  #viewed = false;
  /** Somebody may have stored to them since: then flushes tell of the whole region. */
  #handedOut = false;
  /** What views of a window that must not store are cut from. */
  #private: Memory | undefined;
  /** Once it is closed: what accesses throw. */
  #closed: (() => DidafsError) | undefined;

  /**
   * Takes the descriptor over, also where it throws.
   * @param source of the region's board, which is asked for where it `stores` @throws ERR_IO when the region cannot be mapped
   */
  constructor(
    memoryPort: MemoryPort,
    session: SessionState,
    remote: RemoteAccess,
    region: MappableRegion,
    stores: boolean,
    source: BoardSource,
  ) {
    this.#memoryPort = memoryPort;
    this.#session = session;
    this.#remote = remote;
    this.#binding = remote.binding;
    this.link = remote.link;
    this.#region = region;
    this.#stores = stores;
    try {
      this.#memory = this.#map();
    } catch (error) {
      region.closeDescriptor(region.descriptor);
      throw error;
    }
    this.#length = new PresentLength(this.#memory.header, region.byteLength);
    this.board = new BoardAccess(memoryPort, session, source, region.closeDescriptor);
    if (stores) remote.notified.mapped = this;
  }

  #map(): MemoryBehindHeader {
    const { descriptor, dataOffset, byteLength } = this.#region;
    if (dataOffset !== REGION_HEADER_BYTES) {
      throw new DidafsError("ERR_PROTOCOL", `target ${this.#session.target} has regions with another header`);
    }
    return this.#memoryPort.mapBehindHeader(descriptor, dataOffset, wholeWords(byteLength), this.#stores);
  }

  /** Writes are stores, and none that went to the home is under way before them. */
  get #storesNow(): boolean {
    return this.#stores && this.#binding.pendingWrites === 0;
  }

  getSync(at: number, into: Uint8Array): void {
    this.#check();
    if (this.#binding.pendingWrites > 0) this.#remote.getSync(at, into);
    else {
      if (!this.#length.isWhole) this.#length.check(at, into.byteLength);
      this.#copyOut(at, into, 0, into.byteLength);
    }
  }

  putSync(at: number, from: Uint8Array): void {
    this.#check();
    if (this.#storesNow) {
      if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
      this.#copyIn(at, from, 0, from.byteLength);
      if (isWaitedFor(this.#memory.header)) this.#remote.touchedSync(at, from.byteLength);
    } else this.#remote.putSync(at, from);
  }

  loadSync(word: number, at: number): WordValue {
    this.#check();
    if (this.#binding.pendingWrites > 0) return this.#remote.loadSync(word, at);
    this.#checkWord(word, at);
    return this.#load(word, at);
  }

  loadNumberSync(word: number, at: number): number {
    this.#check();
    if (this.#binding.pendingWrites > 0) return this.#remote.loadNumberSync(word, at);
    this.#checkWord(word, at);
    if (word === I64 || word === U64) return numberOfBits(word, Atomics.load(this.#memory.i64, at / 8));
    return this.#load(word, at) as number;
  }

  storeSync(word: number, at: number, value: WordValue): void {
    this.#check();
    if (!this.#storesNow) {
      this.#remote.storeSync(word, at, value);
      return;
    }
    this.#checkWord(word, at);
    this.#store(word, at, value);
    if (isWaitedFor(this.#memory.header)) this.#remote.touchedSync(at, WORD_BYTES[word] as number);
  }

  fetchOpSync(op: number, word: number, at: number, operand: WordValue): WordValue {
    this.#check();
    if (!this.#storesNow) return this.#remote.fetchOpSync(op, word, at, operand);
    this.#checkWord(word, at);
    const before = fetchOp(this.#memory, at, op, word, operand);
    if (isWaitedFor(this.#memory.header)) this.#remote.touchedSync(at, WORD_BYTES[word] as number);
    return before;
  }

  compareAndSwapSync(word: number, at: number, expected: WordValue, desired: WordValue): WordValue {
    this.#check();
    if (!this.#storesNow) return this.#remote.compareAndSwapSync(word, at, expected, desired);
    this.#checkWord(word, at);
    const before = this.#compareAndSwap(word, at, expected, desired);
    if (isWaitedFor(this.#memory.header)) this.#remote.touchedSync(at, WORD_BYTES[word] as number);
    return before;
  }

  flushSync(stable: boolean): void {
    this.#check();
    if (this.#handedOut && isWaitedFor(this.#memory.header))
      this.#remote.touchedSync(0, this.#region.byteLength);
    if (stable || !this.#storesNow) this.#remote.flushSync(stable);
  }

  async get(at: number, into: Uint8Array, limits: CallLimits): Promise<void> {
    this.#checkCall(limits);
    if (this.#binding.pendingWrites > 0) await this.#remote.get(at, into, limits);
    else this.getSync(at, into);
  }

  async put(at: number, from: Uint8Array, limits: CallLimits): Promise<void> {
    this.#checkCall(limits);
    if (!this.#storesNow) {
      await this.#remote.put(at, from, limits);
      return;
    }
    if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
    this.#copyIn(at, from, 0, from.byteLength);
    if (isWaitedFor(this.#memory.header)) await this.#remote.touched(at, from.byteLength, limits);
  }

  async load(word: number, at: number, limits: CallLimits): Promise<WordValue> {
    this.#checkCall(limits);
    if (this.#binding.pendingWrites > 0) return this.#remote.load(word, at, limits);
    return this.loadSync(word, at);
  }

  async store(word: number, at: number, value: WordValue, limits: CallLimits): Promise<void> {
    this.#checkCall(limits);
    if (!this.#storesNow) {
      await this.#remote.store(word, at, value, limits);
      return;
    }
    this.#checkWord(word, at);
    this.#store(word, at, value);
    if (isWaitedFor(this.#memory.header)) await this.#remote.touched(at, WORD_BYTES[word] as number, limits);
  }

  async fetchOp(
    op: number,
    word: number,
    at: number,
    operand: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    this.#checkCall(limits);
    if (!this.#storesNow) return this.#remote.fetchOp(op, word, at, operand, limits);
    this.#checkWord(word, at);
    const before = fetchOp(this.#memory, at, op, word, operand);
    if (isWaitedFor(this.#memory.header)) await this.#remote.touched(at, WORD_BYTES[word] as number, limits);
    return before;
  }

  async compareAndSwap(
    word: number,
    at: number,
    expected: WordValue,
    desired: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    this.#checkCall(limits);
    if (!this.#storesNow) return this.#remote.compareAndSwap(word, at, expected, desired, limits);
    this.#checkWord(word, at);
    const before = this.#compareAndSwap(word, at, expected, desired);
    if (isWaitedFor(this.#memory.header)) await this.#remote.touched(at, WORD_BYTES[word] as number, limits);
    return before;
  }

  async accumulate(
    op: number,
    word: number,
    at: number,
    from: Uint8Array,
    limits: CallLimits,
  ): Promise<void> {
    this.#checkCall(limits);
    if (!this.#storesNow) {
      await this.#remote.accumulate(op, word, at, from, limits);
      return;
    }
    if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
    const step = WORD_BYTES[word] as number;
    for (let i = 0; i < from.byteLength; i += step) {
      for (let byte = 0; byte < step; byte += 1) smallBytes[byte] = from[i + byte] as number;
      const operand = wordValue(word, smallWords[0] as number, smallWords[1] as number);
      fetchOp(this.#memory, at + i, op, word, operand);
    }
    if (isWaitedFor(this.#memory.header)) await this.#remote.touched(at, from.byteLength, limits);
  }

  async flush(stable: boolean, limits: CallLimits): Promise<void> {
    this.#checkCall(limits);
    if (this.#handedOut && isWaitedFor(this.#memory.header))
      await this.#remote.touched(0, this.#region.byteLength, limits);
    if (stable || !this.#storesNow) await this.#remote.flush(stable, limits);
  }

  get notified(): NotifiedAccess {
    return this.#remote.notified;
  }

  putMapped(at: number, from: Uint8Array, before: number, tag: number): number {
    this.#check();
    const { header } = this.#memory;
    const { writer } = this.board;
    if (writer === undefined) this.board.wanted(header);
    const route = this.#storesNow && writer !== undefined ? writer.route(at, from.byteLength, tag) : WORKER;
    if (writer === undefined || route === WORKER) return MAPPED_PUT.NOTHING;
    if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
    this.#copyIn(at, from, 0, from.byteLength);
    if (!writer.tell(route, at, from.byteLength, before, tag)) return MAPPED_PUT.STORED;
    return writer.isAsleep(route) || isWaitedFor(header) ? MAPPED_PUT.TOLD : MAPPED_PUT.DONE;
  }

  touched(at: number, length: number, limits: CallLimits): Promise<void> {
    return this.#remote.touched(at, length, limits);
  }

  async waitWord(
    word: number,
    at: number,
    seen: WordValue,
    waitMs: number,
    limits: CallLimits,
  ): Promise<WordValue | undefined> {
    this.#checkCall(limits);
    return this.#remote.waitWord(word, at, seen, waitMs, limits);
  }

  get held(): HeldLocks {
    return this.#remote.held;
  }

  async lock(at: number, length: number, ask: LockAsk, limits: CallLimits): Promise<number | undefined> {
    this.#checkCall(limits);
    return this.#remote.lock(at, length, ask, limits);
  }

  unlock(lock: number, limits: CallLimits): Promise<void> {
    return this.#remote.unlock(lock, limits);
  }

  begin(transfer: Transfer): boolean {
    this.#check();
    const { offset, length, u8, start } = transfer;
    const puts = transfer.opcode === OPCODE.PUT;
    if (puts ? !this.#storesNow : this.#binding.pendingWrites > 0) return this.#remote.begin(transfer);
    if (!this.#length.isWhole) this.#length.check(offset, length);
    if (!puts) {
      this.#copyOut(offset, u8, start, length);
      return true;
    }
    this.#copyIn(offset, u8, start, length);
    if (!isWaitedFor(this.#memory.header)) return true;
    // The worker is told of it instead.
    transfer.opcode = OPCODE.WORDS_TOUCHED;
    return this.#remote.begin(transfer);
  }

  failureOf(transfer: Transfer): DidafsError | undefined {
    return this.#remote.failureOf(transfer);
  }

  mapped(at: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check();
    if (!this.#length.isWhole) this.#length.check(at, length);
    this.#viewed = true;
    if (this.#stores) {
      this.#handedOut = true;
      return this.#memory.u8.subarray(at, at + length);
    }
    const { descriptor, dataOffset, byteLength } = this.#region;
    this.#private ??= this.#memoryPort.mapPrivate(descriptor, dataOffset, wholeWords(byteLength));
    return this.#private.u8.subarray(at, at + length);
  }

  /**
   * Maps what tells the versions of the region's lines; where the access is closed, nothing.
   * @param descriptor is taken over, also where it throws
   * @throws ERR_IO, ERR_TOO_MANY when it cannot be mapped
   */
  mapLines(descriptor: number, entries: number): void {
    try {
      if (this.#closed === undefined) this.#lines = new MappedLines(this.#memoryPort, descriptor, entries);
    } finally {
      this.#region.closeDescriptor(descriptor);
    }
  }

  /** `getWithVersions` may be called. A write of the window's own that is under way keeps it from that: reads follow it. */
  get seesVersions(): boolean {
    return this.#lines !== undefined && this.#binding.pendingWrites === 0;
  }

  /**
   * Reads bytes that are all of one moment.
   * @returns the versions of their lines; undefined where an epoch is about to write one, and it is to be asked again
   */
  getWithVersions(at: number, into: Uint8Array): number[] | undefined {
    this.#check();
    const { byteLength } = into;
    if (!this.#length.isWhole) this.#length.check(at, byteLength);
    return this.#lines?.read(at, byteLength, () => this.#copyOut(at, into, 0, byteLength));
  }

  detachMapped(): void {
    if (!this.#viewed || this.#closed !== undefined) return;
    this.#viewed = false;
    if (this.#private !== undefined) {
      this.#memoryPort.free(this.#private);
      this.#private = undefined;
      return;
    }
    const viewed = this.#memory;
    this.#memory = this.#map();
    this.#length = new PresentLength(this.#memory.header, this.#region.byteLength);
    this.#memoryPort.free(viewed);
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = closedBy(this.#session);
    this.#remote.close();
    this.board.close();
    this.#memoryPort.free(this.#memory);
    if (this.#private !== undefined) this.#memoryPort.free(this.#private);
    this.#lines?.free();
    this.#memory = DETACHED;
    this.#private = undefined;
    this.#lines = undefined;
    this.#region.closeDescriptor(this.#region.descriptor);
  }

  #checkWord(word: number, at: number): void {
    if (!this.#length.isWhole) this.#length.check(at, WORD_BYTES[word] as number);
  }

  #check(): void {
    if (this.#closed !== undefined) throw this.#closed();
    if (this.#session.isLost) throw this.#session.error("no");
  }

  #checkCall({ signal }: CallLimits): void {
    this.#check();
    if (signal?.aborted === true) throw abortError(signal, "no");
  }

  #copyOut(at: number, into: Uint8Array, start: number, length: number): void {
    if (length > INLINE_BYTES) {
      // `subarray` would ask for the kind of the result first, which takes longer.
      const { buffer, byteOffset } = this.#memory.u8;
      into.set(new Uint8Array(buffer, byteOffset + at, length), start);
    } else if (length > 0) {
      loadSmall(this.#memory, at, length, smallWords, 0);
      for (let i = 0; i < length; i += 1) into[start + i] = smallBytes[i] as number;
    }
  }

  #copyIn(at: number, from: Uint8Array, start: number, length: number): void {
    if (length > INLINE_BYTES) {
      this.#memory.u8.set(length === from.byteLength ? from : from.subarray(start, start + length), at);
    } else if (length > 0) {
      for (let i = 0; i < length; i += 1) smallBytes[i] = from[start + i] as number;
      storeSmall(this.#memory, at, length, smallWords, 0);
    }
  }

  #load(word: number, at: number): WordValue {
    if (word === I64) return Atomics.load(this.#memory.i64, at / 8);
    if (word === U64) return Atomics.load(this.#memory.u64, at / 8);
    if (word === F64) {
      loadSmall(this.#memory, at, 8, smallWords, 0);
      return wordValue(F64, smallWords[0] as number, smallWords[1] as number);
    }
    return wordValue(word, Atomics.load(this.#memory.i32, at / 4), 0);
  }

  #store(word: number, at: number, value: WordValue): void {
    if (word === I64 || word === U64) Atomics.store(this.#memory.i64, at / 8, value as bigint);
    else if (word === F64) fetchOpF64(this.#memory, at, REPLACE, value as number);
    else Atomics.store(this.#memory.i32, at / 4, value as number);
  }

  #compareAndSwap(word: number, at: number, expected: WordValue, desired: WordValue): WordValue {
    if (word === I64 || word === U64) {
      return compareAndSwap64(this.#memory, at, word, expected as bigint, desired as bigint);
    }
    if (word === F64) return compareAndSwapF64(this.#memory, at, expected as number, desired as number);
    return compareAndSwap32(this.#memory, at, word, expected as number, desired as number);
  }
}

/** Small accesses go by whole words, also at the end of a region; regions lie on whole pages. */
function wholeWords(byteLength: number): number {
  return Math.ceil(byteLength / 8) * 8;
}

/** What a closed access holds instead of its mapping. */
const DETACHED: MemoryBehindHeader = {
  address: 0,
  u8: new Uint8Array(0),
  i32: new Int32Array(0),
  u32: new Uint32Array(0),
  i64: new BigInt64Array(0),
  u64: new BigUint64Array(0),
  header: new Int32Array(0),
};
