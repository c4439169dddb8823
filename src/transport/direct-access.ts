import type { Memory, MemoryBehindHeader, MemoryPort } from "../ports/memory.ts";
import { DidafsError } from "../std/errors.ts";
import { loadSmall, storeSmall } from "../structs/halves.ts";
import { REGION_HEADER_BYTES } from "../structs/region-header.ts";
import {
  compareAndSwap32,
  compareAndSwap64,
  compareAndSwapF64,
  fetchOp32,
  fetchOp64,
  fetchOpF64,
  WORD_BYTES,
} from "../structs/words.ts";
import type { CallLimits, RegionAccess, WordValue } from "./access.ts";
import { PresentLength } from "./present-length.ts";
import type { RemoteAccess } from "./remote-access.ts";
import { closedBy, type SessionState } from "./session-state.ts";
import { INLINE_BYTES } from "./transfer.ts";
import { numberOfBits, wordValue } from "./word-value.ts";

const I64 = 0;
const U64 = 1;
const F64 = 4;
const REPLACE = 6;

// A small access passes through these; one a thread.
const small = new ArrayBuffer(INLINE_BYTES);
const smallWords = new Int32Array(small);
const smallBits = new BigInt64Array(small);
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
 * (`stores`); on a managed one they go to the region's home worker, and so does all else that needs the target. While
 * such a write is under way reads follow it there, so that the order of issue holds.
 */
export class DirectAccess implements RegionAccess {
  readonly path = "direct";
  readonly #memoryPort: MemoryPort;
  readonly #session: SessionState;
  readonly #remote: RemoteAccess;
  readonly #region: MappableRegion;
  readonly #stores: boolean;
  #memory: MemoryBehindHeader;
  #length: PresentLength;
  /** Views of the memory have been handed out. */
  #viewed = false;
  /** What views of a window that must not store are cut from. */
  #private: Memory | undefined;
  /** Once it is closed: what accesses throw. */
  #closed: (() => DidafsError) | undefined;

  /** Takes the descriptor over, also where it throws. @throws ERR_IO when the region cannot be mapped */
  constructor(
    memoryPort: MemoryPort,
    session: SessionState,
    remote: RemoteAccess,
    region: MappableRegion,
    stores: boolean,
  ) {
    this.#memoryPort = memoryPort;
    this.#session = session;
    this.#remote = remote;
    this.#region = region;
    this.#stores = stores;
    try {
      this.#memory = this.#map();
    } catch (error) {
      region.closeDescriptor(region.descriptor);
      throw error;
    }
    this.#length = new PresentLength(this.#memory.header, region.byteLength);
  }

  #map(): MemoryBehindHeader {
    const { descriptor, dataOffset, byteLength } = this.#region;
    if (dataOffset !== REGION_HEADER_BYTES) {
      throw new DidafsError("ERR_PROTOCOL", `target ${this.#session.target} has regions with another header`);
    }
    return this.#memoryPort.mapBehindHeader(descriptor, dataOffset, wholeWords(byteLength), this.#stores);
  }

  getSync(at: number, into: Uint8Array): void {
    this.#check();
    if (this.#remote.pendingWrites > 0) this.#remote.getSync(at, into);
    else {
      if (!this.#length.isWhole) this.#length.check(at, into.byteLength);
      this.#copyOut(at, into);
    }
  }

  putSync(at: number, from: Uint8Array): void {
    this.#check();
    if (this.#stores) {
      if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
      this.#copyIn(at, from);
    } else this.#remote.putSync(at, from);
  }

  loadSync(word: number, at: number): WordValue {
    this.#check();
    if (this.#remote.pendingWrites > 0) return this.#remote.loadSync(word, at);
    this.#checkWord(word, at);
    return this.#load(word, at);
  }

  loadNumberSync(word: number, at: number): number {
    this.#check();
    if (this.#remote.pendingWrites > 0) return this.#remote.loadNumberSync(word, at);
    this.#checkWord(word, at);
    if (word === I64 || word === U64) return numberOfBits(word, Atomics.load(this.#memory.i64, at / 8));
    return this.#load(word, at) as number;
  }

  storeSync(word: number, at: number, value: WordValue): void {
    this.#check();
    if (!this.#stores) {
      this.#remote.storeSync(word, at, value);
      return;
    }
    this.#checkWord(word, at);
    if (word === I64 || word === U64) Atomics.store(this.#memory.i64, at / 8, value as bigint);
    else if (word === F64) fetchOpF64(this.#memory, at, REPLACE, value as number);
    else Atomics.store(this.#memory.i32, at / 4, value as number);
  }

  fetchOpSync(op: number, word: number, at: number, operand: WordValue): WordValue {
    this.#check();
    if (!this.#stores) return this.#remote.fetchOpSync(op, word, at, operand);
    this.#checkWord(word, at);
    return this.#fetchOp(op, word, at, operand);
  }

  compareAndSwapSync(word: number, at: number, expected: WordValue, desired: WordValue): WordValue {
    this.#check();
    if (!this.#stores) return this.#remote.compareAndSwapSync(word, at, expected, desired);
    this.#checkWord(word, at);
    return this.#compareAndSwap(word, at, expected, desired);
  }

  flushSync(stable: boolean): void {
    this.#check();
    if (stable || !this.#stores) this.#remote.flushSync(stable);
  }

  async get(at: number, into: Uint8Array, limits: CallLimits): Promise<void> {
    this.#check(limits.signal);
    if (this.#remote.pendingWrites > 0) await this.#remote.get(at, into, limits);
    else this.getSync(at, into);
  }

  async put(at: number, from: Uint8Array, limits: CallLimits): Promise<void> {
    this.#check(limits.signal);
    if (this.#stores) this.putSync(at, from);
    else await this.#remote.put(at, from, limits);
  }

  async load(word: number, at: number, limits: CallLimits): Promise<WordValue> {
    this.#check(limits.signal);
    if (this.#remote.pendingWrites > 0) return this.#remote.load(word, at, limits);
    return this.loadSync(word, at);
  }

  async store(word: number, at: number, value: WordValue, limits: CallLimits): Promise<void> {
    this.#check(limits.signal);
    if (this.#stores) this.storeSync(word, at, value);
    else await this.#remote.store(word, at, value, limits);
  }

  async fetchOp(
    op: number,
    word: number,
    at: number,
    operand: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    this.#check(limits.signal);
    if (!this.#stores) return this.#remote.fetchOp(op, word, at, operand, limits);
    return this.fetchOpSync(op, word, at, operand);
  }

  async compareAndSwap(
    word: number,
    at: number,
    expected: WordValue,
    desired: WordValue,
    limits: CallLimits,
  ): Promise<WordValue> {
    this.#check(limits.signal);
    if (!this.#stores) return this.#remote.compareAndSwap(word, at, expected, desired, limits);
    return this.compareAndSwapSync(word, at, expected, desired);
  }

  async accumulate(
    op: number,
    word: number,
    at: number,
    from: Uint8Array,
    limits: CallLimits,
  ): Promise<void> {
    this.#check(limits.signal);
    if (!this.#stores) {
      await this.#remote.accumulate(op, word, at, from, limits);
      return;
    }
    if (!this.#length.isWhole) this.#length.check(at, from.byteLength);
    const step = WORD_BYTES[word] as number;
    for (let i = 0; i < from.byteLength; i += step) {
      for (let byte = 0; byte < step; byte += 1) smallBytes[byte] = from[i + byte] as number;
      const operand = wordValue(word, smallWords[0] as number, smallWords[1] as number);
      this.#fetchOp(op, word, at + i, operand);
    }
  }

  async flush(stable: boolean, limits: CallLimits): Promise<void> {
    this.#check(limits.signal);
    if (stable || !this.#stores) await this.#remote.flush(stable, limits);
  }

  mapped(at: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check();
    if (!this.#length.isWhole) this.#length.check(at, length);
    this.#viewed = true;
    if (this.#stores) return this.#memory.u8.subarray(at, at + length);
    const { descriptor, dataOffset, byteLength } = this.#region;
    this.#private ??= this.#memoryPort.mapPrivate(descriptor, dataOffset, wholeWords(byteLength));
    return this.#private.u8.subarray(at, at + length);
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
    this.#memoryPort.free(this.#memory);
    if (this.#private !== undefined) this.#memoryPort.free(this.#private);
    this.#memory = DETACHED;
    this.#private = undefined;
    this.#region.closeDescriptor(this.#region.descriptor);
  }

  #checkWord(word: number, at: number): void {
    if (!this.#length.isWhole) this.#length.check(at, WORD_BYTES[word] as number);
  }

  #check(signal?: AbortSignal): void {
    if (this.#closed !== undefined) throw this.#closed();
    if (this.#session.isLost) throw this.#session.error("no");
    if (signal?.aborted === true) {
      throw new DidafsError("ERR_ABORTED", "the call was aborted by its signal", { cause: signal.reason });
    }
  }

  #copyOut(at: number, into: Uint8Array): void {
    const length = into.byteLength;
    if (length > INLINE_BYTES) {
      into.set(this.#memory.u8.subarray(at, at + length));
    } else if (length === 8 && at % 8 === 0) {
      // As loadSmall does it, but short enough to be inlined.
      smallBits[0] = Atomics.load(this.#memory.i64, at / 8);
      for (let i = 0; i < 8; i += 1) into[i] = smallBytes[i] as number;
    } else if (length > 0) {
      loadSmall(this.#memory, at, length, smallWords, 0);
      for (let i = 0; i < length; i += 1) into[i] = smallBytes[i] as number;
    }
  }

  #copyIn(at: number, from: Uint8Array): void {
    const length = from.byteLength;
    if (length > INLINE_BYTES) {
      this.#memory.u8.set(from, at);
    } else if (length === 8 && at % 8 === 0) {
      for (let i = 0; i < 8; i += 1) smallBytes[i] = from[i] as number;
      Atomics.store(this.#memory.i64, at / 8, smallBits[0] as bigint);
    } else if (length > 0) {
      for (let i = 0; i < length; i += 1) smallBytes[i] = from[i] as number;
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

  #fetchOp(op: number, word: number, at: number, operand: WordValue): WordValue {
    if (word === I64 || word === U64) return fetchOp64(this.#memory, at, op, word, operand as bigint);
    if (word === F64) return fetchOpF64(this.#memory, at, op, operand as number);
    return fetchOp32(this.#memory, at, op, word, operand as number);
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
