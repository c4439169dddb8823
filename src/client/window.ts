import { DidafsError, isDidafsError } from "../std/errors.ts";
import { WORDS } from "../structs/words.ts";
import type { CallLimits, RegionAccess } from "../transport/access.ts";
import type { Bytes, CallOptions, DidafsWindow, Durability, Locality, Op, Word } from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { FlushCoverage } from "./flush-coverage.ts";
import {
  bytesOf,
  elementWord,
  opNumber,
  toKindOf,
  toNumber,
  toWordValue,
  wordBytes,
  wordNumber,
} from "./operands.ts";
import type { Stripes } from "./stripes.ts";

const ADD = 0;
const I64 = 0;

type Number64<V> = V extends bigint ? bigint : number;
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
  /** Where in its region the access found last begins (see #locate). */
  #at = 0;
  readonly #coverage: FlushCoverage;
  #closing: Promise<void> | undefined;

  constructor(parts: WindowParts) {
    this.#parts = parts;
    this.#stripes = parts.stripes;
    this.#accesses = parts.accesses;
    this.#single = parts.accesses.length === 1 ? parts.accesses[0] : undefined;
    this.#writable = parts.rights === "rw";
    this.#start = parts.stripes.start;
    this.#coverage = new FlushCoverage(parts.accesses.length);
    this.length = parts.stripes.length;
    this.rights = parts.rights;
    this.sharing = parts.sharing;
    this.protection = parts.protection;
    this.locality = parts.locality;
  }

  async get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B> {
    const limits = this.#limits(options);
    const bytes = bytesOf(into);
    this.#checkRange(at, bytes.byteLength);
    await this.#pieces(at, bytes, (access, from, piece) => access.get(from, piece, limits));
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
    this.#checkWrite(at, bytes.byteLength);
    await this.#pieces(at, bytes, (access, offset, piece) => access.put(offset, piece, limits));
  }

  putSync(at: number, from: Bytes): void {
    const bytes = bytesOf(from);
    this.#checkWrite(at, bytes.byteLength);
    if (this.#single !== undefined) this.#single.putSync(at, bytes);
    else
      this.#stripes.forEach(at, bytes.byteLength, (index, offset, start, end) => {
        try {
          this.#access(index).putSync(offset, bytes.subarray(start, end));
        } catch (error) {
          throw start === 0 ? error : ofOnePiece(error);
        }
      });
  }

  async load(at: number, word: Word = "i64", options?: CallOptions): Promise<number> {
    const limits = this.#limits(options);
    const number = wordNumber(word);
    const access = this.#locate(at, number);
    return toNumber(await access.load(number, this.#at, limits));
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
    return toKindOf(operand, await access.fetchOp(operator, number, this.#at, value, limits));
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
    return toKindOf(operand, this.#locateWrite(at, number).fetchOpSync(op, number, this.#at, value));
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
    return toKindOf(expected, await access.compareAndSwap(number, this.#at, before, after, limits));
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
    return toKindOf(expected, access.compareAndSwapSync(number, this.#at, before, after));
  }

  async accumulate(
    op: Op,
    at: number,
    from: Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float64Array,
    options?: CallOptions,
  ): Promise<void> {
    const limits = this.#limits(options);
    const word = elementWord(from);
    const operator = opNumber(op);
    const bytes = bytesOf(from);
    this.#checkAligned(at, word);
    this.#checkWrite(at, bytes.byteLength);
    await this.#pieces(at, bytes, (access, offset, piece) =>
      access.accumulate(operator, word, offset, piece, limits),
    );
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
    if (index === undefined) {
      throw new DidafsError(
        "ERR_NOT_CONTIGUOUS",
        `${byteLength} bytes at ${at} lie on several targets; view less at a time, or make the file with targets: 1`,
        { path: this.#parts.path },
      );
    }
    const offset = this.#stripes.offsetOf(at);
    const access = this.#accesses[index];
    // No bytes, at the window's end.
    if (access === undefined) return new type(new ArrayBuffer(0), 0, 0);
    const { buffer, byteOffset } = access.mapped(offset, byteLength);
    if (byteOffset % type.BYTES_PER_ELEMENT !== 0) throw this.#misaligned(at, type.BYTES_PER_ELEMENT);
    if (this.#writable && this.sharing === "raw") this.#coverage.handedOut(index);
    return new type(buffer, byteOffset, count);
  }

  async flush(durability: Durability = "memory", options?: CallOptions): Promise<void> {
    const limits = this.#limits(options);
    const stable = this.#wantsStable(durability);
    const touched = this.#coverage.touched();
    await settleAll(touched.map(({ index }) => this.#access(index).flush(stable, limits)));
    if (stable) this.#coverage.covered(touched);
  }

  flushSync(durability: Durability = "memory"): void {
    const stable = this.#wantsStable(durability);
    const touched = this.#coverage.touched();
    for (const { index } of touched) this.#access(index).flushSync(stable);
    if (stable) this.#coverage.covered(touched);
  }

  /** Detaches the views handed out, if the window reaches behind the file's first `size` bytes. @throws ERR_IO */
  detachViews(size: number): void {
    if (this.#start + this.length <= size) return;
    for (const access of this.#accesses) access?.detachMapped();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Accesses under way end first: the target would refuse them once it has forgotten the binding. */
  async #close(): Promise<void> {
    const limits = this.#limits(undefined);
    await Promise.allSettled(this.#accesses.map((access) => access?.flush(false, limits)));
    await this.#parts.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #limits(options: CallOptions | undefined): CallLimits {
    return callLimits(options, this.#parts.timeoutMs);
  }

  #wantsStable(durability: Durability): boolean {
    if (durability === "memory") return false;
    if (durability !== "stable") {
      throw new DidafsError(
        "ERR_INVALID_ARGUMENT",
        `durability is "memory" or "stable", not ${String(durability)}`,
      );
    }
    if (this.#parts.volatileDrive) {
      throw new DidafsError(
        "ERR_NOT_DURABLE",
        "the file lies on a memory drive, which cannot make bytes stable",
        {
          path: this.#parts.path,
        },
      );
    }
    return true;
  }

  #access(index: number): RegionAccess {
    return this.#accesses[index] as RegionAccess;
  }

  /** The access that holds the word at `at`, and in #at where the word lies in it. */
  #locate(at: number, word: number): RegionAccess {
    const bytes = wordBytes(word);
    if (!(at >= 0 && at + bytes <= this.length)) throw this.#outOfRange(at, bytes);
    this.#checkAligned(at, word);
    if (this.#single !== undefined) {
      this.#at = at;
      return this.#single;
    }
    this.#at = this.#stripes.offsetOf(at);
    return this.#access(this.#stripes.indexOf(at));
  }

  #locateWrite(at: number, word: number): RegionAccess {
    const access = this.#locate(at, word);
    if (!this.#writable) throw this.#readOnly();
    this.#coverage.changed(this.#single === undefined ? this.#stripes.indexOf(at) : 0);
    return access;
  }

  #checkRange(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.length && Number.isInteger(at))) throw this.#outOfRange(at, length);
  }

  #checkWrite(at: number, length: number): void {
    this.#checkRange(at, length);
    if (!this.#writable) throw this.#readOnly();
    if (this.#single !== undefined) this.#coverage.changed(0);
    else this.#stripes.forEach(at, length, (index) => this.#coverage.changed(index));
  }

  /** Words are aligned in the file, so the window's own start counts too. Word sizes are powers of two. */
  #checkAligned(at: number, word: number): void {
    const bytes = wordBytes(word);
    if (((at + this.#start) & (bytes - 1)) !== 0 || !Number.isInteger(at)) {
      throw this.#misaligned(at, bytes, word);
    }
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
    const message = `${length} bytes at ${at} are not inside the window's ${this.length} bytes`;
    return new DidafsError("ERR_RANGE", message, { path: this.#parts.path });
  }

  #misaligned(at: number, bytes: number, word?: number): DidafsError {
    const what = word === undefined ? `a view of ${bytes}-byte elements` : `a word of type ${WORDS[word]}`;
    return new DidafsError(
      "ERR_ALIGNMENT",
      `${what} begins at a multiple of ${bytes} bytes of the file, not at ${at}`,
      {
        path: this.#parts.path,
      },
    );
  }

  #readOnly(): DidafsError {
    return new DidafsError(
      "ERR_RIGHTS",
      `the window was opened for reading; open it with rights: "rw" to write`,
      {
        path: this.#parts.path,
      },
    );
  }
}

/** Waits for all, so that no buffer is in use any more, then throws the first error. */
async function settleAll(running: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  const [first] = failed;
  if (first === undefined) return;
  const nothingApplied =
    failed.length === outcomes.length && failed.every(({ reason }) => reason.applied === "no");
  throw nothingApplied ? first.reason : ofOnePiece(first.reason);
}

/** The error of one piece says nothing about the others, which may have been applied. */
function ofOnePiece(error: unknown): unknown {
  if (!isDidafsError(error) || error.applied !== "no") return error;
  const { code, message, path, target } = error;
  return new DidafsError(code, message, { applied: "unknown", path, target, cause: error });
}
