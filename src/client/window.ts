import { DidafsError, partlyApplied } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type {
  Batch,
  Bytes,
  CallOptions,
  DidafsWindow,
  Durability,
  EpochAccess,
  EpochOptions,
  FlushOptions,
  Group,
  Locality,
  Lock,
  NotificationCounter,
  NotificationFilter,
  NotificationQueue,
  Op,
  QueueOptions,
  Range,
  WaitOptions,
  Word,
} from "./api.ts";
import { WindowBatch } from "./batch.ts";
import { callLimits } from "./call-limits.ts";
import type { EpochRegion, EpochWindow } from "./epoch-window.ts";
import { FlushCoverage } from "./flush-coverage.ts";
import { lyingOn } from "./flush-target.ts";
import { ownGroup } from "./group.ts";
import type { LockCycle } from "./lock-cycle.ts";
import {
  bytesOf,
  type Elements,
  elementWord,
  type Number64,
  opNumber,
  toKindOf,
  toNumber,
  toWordValue,
  wordBytes,
  wordNumber,
} from "./operands.ts";
import { settleAll } from "./settle-all.ts";
import type { Stripes } from "./stripes.ts";
import { WindowLocks } from "./window-locks.ts";
import { WindowNotified } from "./window-notified.ts";
import { WindowRefusals } from "./window-refusals.ts";
import { waitUntil } from "./word-wait.ts";
import { WritesToCome } from "./writes-to-come.ts";

const ADD = 0;
const I64 = 0;

type ViewConstructor<T> = {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/** What a window is made of; whoever opened it gathered this (client/file.ts). */
export interface WindowParts {
  readonly path: string;
  readonly rights: "r" | "rw";
  readonly sharing: "managed" | "raw";
  readonly protection: "mmu" | "advisory" | "checked";
  readonly locality: Locality;
  readonly stripes: Stripes;
  /** By the region's place in the layout; undefined where the range has no byte on it. */
  readonly accesses: readonly (RegionAccess | undefined)[];
  /** The range has a region on a drive that cannot make bytes stable. */
  readonly volatileDrive: boolean;
  readonly timeoutMs: number;
  /** By the region's place in the layout, like `accesses`. */
  readonly regions: readonly (EpochRegion | undefined)[];
  /** Runs an epoch on this window alone. */
  readonly epoch: <T>(options: EpochOptions, body: (access: EpochAccess) => Promise<T>) => Promise<T>;
  /** The circle that a wait for a lock on that region was part of last. */
  readonly lockCycle: (index: number) => Promise<LockCycle>;
  /** Tells the targets; called once. */
  readonly release: () => Promise<void>;
}

/** See DidafsWindow in api.ts. Finds the region of each access; the RegionAccess does it. */
export class Window implements DidafsWindow {
  readonly length: number;
  readonly rights: "r" | "rw";
  readonly sharing: "managed" | "raw";
  readonly protection: "mmu" | "advisory" | "checked";
  readonly locality: Locality;
  readonly #parts: WindowParts;
  readonly #stripes: Stripes;
  readonly #accesses: readonly (RegionAccess | undefined)[];
  /** The only access, where there is one; then window and region count bytes alike. */
  readonly #single: RegionAccess | undefined;
  readonly #writable: boolean;
  readonly #start: number;
  /** Accesses end here, at its end; once it is closing nowhere, so that closed windows cost open ones no check. */
  #end: number;
  /** The region of the access found last, and where in it that begins (see #locate). */
  #index = 0;
  #at = 0;
  readonly #refusals: WindowRefusals;
  readonly #coverage: FlushCoverage;
  readonly #locks: WindowLocks;
  readonly #notified: WindowNotified;
  readonly #toCome = new WritesToCome();
  /** Epochs that are closing. */
  readonly #closingEpochs = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: WindowParts) {
    this.#parts = parts;
    this.#stripes = parts.stripes;
    this.#accesses = parts.accesses;
    this.#single = parts.accesses.length === 1 ? parts.accesses[0] : undefined;
    this.#writable = parts.rights === "rw";
    this.#start = parts.stripes.start;
    this.#refusals = new WindowRefusals(parts.path, parts.stripes.length);
    this.#coverage = new FlushCoverage(parts.accesses.length);
    this.#locks = new WindowLocks({
      path: parts.path,
      stripes: parts.stripes,
      accesses: parts.accesses,
      timeoutMs: parts.timeoutMs,
      isOpen: () => this.#end >= 0,
      checkRange: (at, length) => this.#checkRange(at, length),
      checkWritable: () => {
        if (!this.#writable) throw this.#refusals.readOnly();
      },
      cycle: parts.lockCycle,
    });
    this.#notified = new WindowNotified({
      path: parts.path,
      stripes: parts.stripes,
      accesses: parts.accesses,
      timeoutMs: parts.timeoutMs,
      checkRange: (at, length) => this.#checkRange(at, length),
      willWrite: (at, length) => this.#willWrite(at, length),
      changed: (index) => this.#coverage.changed(index),
      get: (at, into, limits) =>
        this.#pieces(at, into, (access, from, piece) => access.get(from, piece, limits)),
      put: (at, from, limits) => this.#pieces(at, from, (access, to, piece) => access.put(to, piece, limits)),
    });
    this.length = parts.stripes.length;
    this.#end = this.length;
    this.rights = parts.rights;
    this.sharing = parts.sharing;
    this.protection = parts.protection;
    this.locality = parts.locality;
  }

  async get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B> {
    const limits = this.#limits(options);
    const bytes = bytesOf(into);
    this.#checkRange(at, bytes.byteLength);
    if (this.#single !== undefined) await this.#single.get(at, bytes, limits);
    else await this.#pieces(at, bytes, async (access, from, piece) => access.get(from, piece, limits));
    return into;
  }

  getSync<B extends Bytes>(at: number, into: B): B {
    const bytes = bytesOf(into);
    this.#checkRange(at, bytes.byteLength);
    if (this.#single !== undefined) this.#single.getSync(at, bytes);
    else
      this.#stripes.forEach(at, bytes.byteLength, (index, from, start, end) => {
        this.#access(index).getSync(from, bytes.subarray(start, end));
      });
    return into;
  }

  async put(at: number, from: Bytes, options?: CallOptions): Promise<void> {
    const limits = this.#limits(options);
    const bytes = bytesOf(from);
    this.#willWrite(at, bytes.byteLength);
    if (this.#single !== undefined) await this.#single.put(at, bytes, limits);
    else await this.#pieces(at, bytes, async (access, offset, piece) => access.put(offset, piece, limits));
  }

  putSync(at: number, from: Bytes): void {
    const bytes = bytesOf(from);
    this.#willWrite(at, bytes.byteLength);
    if (this.#single !== undefined) this.#single.putSync(at, bytes);
    else
      this.#stripes.forEach(at, bytes.byteLength, (index, offset, start, end) => {
        try {
          this.#access(index).putSync(offset, bytes.subarray(start, end));
        } catch (error) {
          throw start === 0 ? error : partlyApplied(error);
        }
      });
  }

  async load(at: number, word: Word = "i64", options?: CallOptions): Promise<number> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const access = this.#locate(at, number);
    return toNumber(number, await access.load(number, this.#at, limits));
  }

  loadSync(at: number, word?: Word): number {
    const number = word === undefined ? I64 : wordNumber(word);
    return this.#locate(at, number).loadNumberSync(number, this.#at);
  }

  loadBigSync(at: number, word: "i64" | "u64" = "i64"): bigint {
    const number = wordNumber(word);
    return BigInt(this.#locate(at, number).loadSync(number, this.#at));
  }

  async store(at: number, value: number | bigint, word: Word = "i64", options?: CallOptions): Promise<void> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const operand = toWordValue(number, value);
    const access = this.#locateWrite(at, number);
    await access.store(number, this.#at, operand, limits);
  }

  storeSync(at: number, value: number | bigint, word?: Word): void {
    const number = word === undefined ? I64 : wordNumber(word);
    const operand = toWordValue(number, value);
    this.#locateWrite(at, number).storeSync(number, this.#at, operand);
  }

  fetchAdd<V extends number | bigint>(
    at: number,
    delta: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<Number64<V>> {
    return this.fetchOp("add", at, delta, word, options);
  }

  fetchAddSync<V extends number | bigint>(at: number, delta: V, word?: Word): Number64<V> {
    return this.#fetchOpSync(ADD, at, delta, word);
  }

  async fetchOp<V extends number | bigint>(
    op: Op,
    at: number,
    operand: V,
    word: Word = "i64",
    options?: CallOptions,
  ): Promise<Number64<V>> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const value = toWordValue(number, operand);
    const operator = opNumber(op);
    const access = this.#locateWrite(at, number);
    return toKindOf(number, operand, await access.fetchOp(operator, number, this.#at, value, limits));
  }

  fetchOpSync<V extends number | bigint>(op: Op, at: number, operand: V, word?: Word): Number64<V> {
    return this.#fetchOpSync(opNumber(op), at, operand, word);
  }

  #fetchOpSync<V extends number | bigint>(
    op: number,
    at: number,
    operand: V,
    word: Word | undefined,
  ): Number64<V> {
    const number = word === undefined ? I64 : wordNumber(word);
    const value = toWordValue(number, operand);
    return toKindOf(number, operand, this.#locateWrite(at, number).fetchOpSync(op, number, this.#at, value));
  }

  async compareAndSwap<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word: Word = "i64",
    options?: CallOptions,
  ): Promise<Number64<V>> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const [before, after] = [toWordValue(number, expected), toWordValue(number, desired)];
    const access = this.#locateWrite(at, number);
    return toKindOf(number, expected, await access.compareAndSwap(number, this.#at, before, after, limits));
  }

  compareAndSwapSync<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word?: Word,
  ): Number64<V> {
    const number = word === undefined ? I64 : wordNumber(word);
    const before = toWordValue(number, expected);
    const after = toWordValue(number, desired);
    const access = this.#locateWrite(at, number);
    return toKindOf(number, expected, access.compareAndSwapSync(number, this.#at, before, after));
  }

  async accumulate(op: Op, at: number, from: Elements, options?: CallOptions): Promise<void> {
    const limits = this.#limits(options);
    const word = elementWord(from);
    const operator = opNumber(op);
    const bytes = bytesOf(from);
    this.#checkAligned(at, word);
    this.#willWrite(at, bytes.byteLength);
    await this.#pieces(at, bytes, (access, offset, piece) =>
      access.accumulate(operator, word, offset, piece, limits),
    );
  }

  batch(): Batch {
    return new WindowBatch({
      stripes: this.#stripes,
      accesses: this.#accesses,
      timeoutMs: this.#parts.timeoutMs,
      checkOpen: () => this.#checkOpen(),
      checkRead: (at, length) => this.#checkRange(at, length),
      checkWrite: (at, length) => this.#checkWrite(at, length),
      changed: (index) => this.#coverage.changed(index),
    });
  }

  view(at: number, length: number): Uint8Array<ArrayBuffer>;
  view<T>(type: ViewConstructor<T>, at: number, count: number): T;
  view<T>(...call: [number, number] | [ViewConstructor<T>, number, number]): T | Uint8Array<ArrayBuffer> {
    if (call.length === 2) return this.#view(Uint8Array<ArrayBuffer>, call[0], call[1]);
    return this.#view(...call);
  }

  #view<T>(type: ViewConstructor<T>, at: number, count: number): T {
    const byteLength = count * type.BYTES_PER_ELEMENT;
    if (!(Number.isInteger(count) && count >= 0)) throw this.#outOfRange(at, byteLength);
    this.#checkRange(at, byteLength);
    const index = this.#stripes.regionOf(at, byteLength);
    if (index === undefined) throw this.#refusals.notContiguous(at, byteLength);
    const offset = this.#stripes.offsetOf(at);
    const access = this.#accesses[index];
    // No bytes, at the window's end.
    if (access === undefined) return new type(new ArrayBuffer(0), 0, 0);
    const { buffer, byteOffset } = access.mapped(offset, byteLength);
    if (byteOffset % type.BYTES_PER_ELEMENT !== 0)
      throw this.#refusals.misaligned(at, type.BYTES_PER_ELEMENT);
    if (this.#writable && this.sharing === "raw") this.#coverage.handedOut(index);
    return new type(buffer, byteOffset, count);
  }

  async flush(durability: Durability = "memory", options?: FlushOptions): Promise<void> {
    const call = this.#limits(options);
    this.#checkOpen();
    const stable = this.#wantsStable(durability, options?.target !== undefined);
    const limits = this.#notified.hasUnissued ? await this.#notified.allIssued(call) : call;
    const isMeant = lyingOn(options?.target, this.#accesses, this.#parts.path);
    const touched = this.#coverage.touched().filter(({ index }) => isMeant(index));
    const toCome = this.#toCome.settle(limits, isMeant);
    if (toCome.length > 0) await settleAll(toCome);
    await settleAll(touched.map(({ index }) => this.#access(index).flush(stable, limits)));
    if (stable) this.#coverage.covered(touched);
  }

  flushSync(durability: Durability = "memory"): void {
    this.#checkOpen();
    const stable = this.#wantsStable(durability);
    const touched = this.#coverage.touched();
    this.#toCome.settleSync(this.#parts.timeoutMs);
    for (const { index } of touched) this.#access(index).flushSync(stable);
    if (stable) this.#coverage.covered(touched);
  }

  waitUntil(
    at: number,
    isIt: (value: number) => boolean,
    word?: Word,
    options?: CallOptions,
  ): Promise<number>;
  waitUntil(
    at: number,
    isIt: (value: bigint) => boolean,
    word: "i64" | "u64",
    options: WaitOptions & { bigint: true },
  ): Promise<bigint>;
  async waitUntil<V extends number | bigint>(
    at: number,
    isIt: (value: V) => boolean,
    word: Word = "i64",
    options?: WaitOptions,
  ): Promise<V> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const access = this.#locate(at, number);
    const { path } = this.#parts;
    const parts = { path, at, access, offset: this.#at, word: number, limits, isOpen: () => this.#end >= 0 };
    return waitUntil(parts, isIt, options?.bigint === true);
  }

  async lock(range: Range, options?: CallOptions): Promise<Lock> {
    const lock = await this.#locks.take(range, true, this.#limits(options));
    return lock as Lock;
  }

  lockAll(options?: CallOptions): Promise<Lock> {
    return this.lock({ at: 0, length: this.length, mode: "shared" }, options);
  }

  async fence(group: Group, options?: CallOptions): Promise<void> {
    await ownGroup(group).fence((limits) => this.flush("memory", limits), this.#limits(options));
  }

  async tryLock(range: Range, options?: CallOptions): Promise<Lock | undefined> {
    return await this.#locks.take(range, false, this.#limits(options));
  }

  async putNotify(at: number, from: Bytes, tag: number, options?: CallOptions): Promise<void> {
    await this.#notified.put(at, bytesOf(from), tag, this.#limits(options));
  }

  async getNotify<B extends Bytes>(at: number, into: B, tag: number, options?: CallOptions): Promise<B> {
    await this.#notified.get(at, bytesOf(into), tag, this.#limits(options));
    return into;
  }

  async notifications(options: QueueOptions = {}): Promise<NotificationQueue> {
    return await this.#notified.openQueue(options, this.#limits(options));
  }

  async countNotifications(options: NotificationFilter & CallOptions = {}): Promise<NotificationCounter> {
    return await this.#notified.openCounter(options, this.#limits(options));
  }

  epoch<T>(body: (access: EpochAccess) => Promise<T>): Promise<T>;
  epoch<T>(options: EpochOptions, body: (access: EpochAccess) => Promise<T>): Promise<T>;
  async epoch<T>(
    ...call: [(access: EpochAccess) => Promise<T>] | [EpochOptions, (access: EpochAccess) => Promise<T>]
  ): Promise<T> {
    return call.length === 1 ? this.#parts.epoch({}, call[0]) : this.#parts.epoch(...call);
  }

  /** What epochs need of it. */
  forEpochs(): EpochWindow {
    const { path, timeoutMs, stripes, regions, volatileDrive } = this.#parts;
    return {
      window: this,
      path,
      timeoutMs,
      stripes,
      regions,
      volatileDrive,
      checkOpen: () => this.#checkOpen(),
      checkRead: (at, length) => this.#checkRange(at, length),
      checkWrite: (at, length) => this.#checkWrite(at, length),
      checkWord: (at, word, writes) => {
        this.#locate(at, word);
        if (writes && !this.#writable) throw this.#refusals.readOnly();
      },
      changed: (index) => this.#coverage.changed(index),
      comes: (index, link) => this.#toCome.add(index, regions[index] as EpochRegion, link),
      holdOpen: (closing) => {
        const settled = closing.catch(() => {}).finally(() => this.#closingEpochs.delete(settled));
        this.#closingEpochs.add(settled);
      },
    };
  }

  /** Detaches the views handed out, if the window reaches behind the file's first `size` bytes. @throws ERR_IO */
  detachViews(size: number): void {
    if (this.#start + this.length > size) this.#detachViews();
  }

  #detachViews(): void {
    for (const access of this.#accesses) access?.detachMapped();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Accesses under way end first: what they do they do under the locks, and the target would refuse them once it has
   * forgotten the binding.
   */
  async #close(): Promise<void> {
    const limits = this.#limits(undefined);
    this.#end = Number.NEGATIVE_INFINITY;
    try {
      this.#detachViews();
    } catch {
      // A region that cannot be mapped anew; its views end when it is released.
    }
    if (this.#notified.hasUnissued) await this.#notified.allIssued(limits).catch(() => {});
    await Promise.allSettled(this.#accesses.map((access) => access?.flush(false, limits)));
    await Promise.all(this.#closingEpochs);
    await this.#locks.close();
    await this.#notified.close();
    await this.#parts.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #limits(options: CallOptions | undefined): CallLimits {
    return callLimits(options, this.#parts.timeoutMs);
  }

  /** @param isPart of what the window has: whether that can be made stable its targets say */
  #wantsStable(durability: Durability, isPart = false): boolean {
    if (durability === "memory") return false;
    if (durability !== "stable") {
      throw new DidafsError(
        "ERR_INVALID_ARGUMENT",
        `durability is "memory" or "stable", not ${String(durability)}`,
      );
    }
    if (this.#parts.volatileDrive && !isPart) throw this.#refusals.notDurable();
    return true;
  }

  #access(index: number): RegionAccess {
    return this.#accesses[index] as RegionAccess;
  }

  /** The access that holds the word at `at`, and in #at where the word lies in it. */
  #locate(at: number, word: number): RegionAccess {
    const bytes = wordBytes(word);
    if (!(at >= 0 && at + bytes <= this.#end && isAligned(at + this.#start, bytes))) {
      throw this.#misplaced(at, bytes, word);
    }
    this.#at = at;
    return this.#single ?? this.#locateStriped(at);
  }

  #locateStriped(at: number): RegionAccess {
    this.#at = this.#stripes.offsetOf(at);
    this.#index = this.#stripes.indexOf(at);
    return this.#access(this.#index);
  }

  #locateWrite(at: number, word: number): RegionAccess {
    const access = this.#locate(at, word);
    if (!this.#writable) throw this.#refusals.readOnly();
    this.#coverage.changed(this.#index);
    return access;
  }

  #checkRange(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.#end && Number.isInteger(at))) throw this.#outOfRange(at, length);
  }

  #checkOpen(): void {
    if (this.#end < 0) throw this.#refusals.closed();
  }

  #willWrite(at: number, length: number): void {
    this.#checkWrite(at, length);
    if (this.#single !== undefined) this.#coverage.changed(0);
    else this.#stripes.forEach(at, length, (index) => this.#coverage.changed(index));
  }

  #checkWrite(at: number, length: number): void {
    this.#checkRange(at, length);
    if (!this.#writable) throw this.#refusals.readOnly();
  }

  #checkAligned(at: number, word: number): void {
    const bytes = wordBytes(word);
    if (!isAligned(at + this.#start, bytes)) throw this.#refusals.misaligned(at, bytes, word);
  }

  async #pieces(
    at: number,
    bytes: Uint8Array,
    run: (access: RegionAccess, offset: number, piece: Uint8Array) => Promise<void>,
  ): Promise<void> {
    if (this.#single !== undefined) {
      await run(this.#single, at, bytes);
      return;
    }
    const running: Promise<void>[] = [];
    this.#stripes.forEach(at, bytes.byteLength, (index, offset, start, end) => {
      running.push(run(this.#access(index), offset, bytes.subarray(start, end)));
    });
    await settleAll(running);
  }

  #outOfRange(at: number, length: number): DidafsError {
    return this.#end < 0 ? this.#refusals.closed() : this.#refusals.outOfRange(at, length);
  }

  #misplaced(at: number, bytes: number, word: number): DidafsError {
    const inside = at >= 0 && at + bytes <= this.#end;
    return inside ? this.#refusals.misaligned(at, bytes, word) : this.#outOfRange(at, bytes);
  }
}

/** Words are aligned in the file, so the window's own start counts too. Word sizes are powers of two. */
function isAligned(at: number, bytes: number): boolean {
  return (at & (bytes - 1)) === 0 && Number.isInteger(at);
}
