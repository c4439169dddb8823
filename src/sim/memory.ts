import type { Borrowed, Memory, MemoryBehindHeader, MemoryPort } from "../ports/memory.ts";
import { DidafsError } from "../std/errors.ts";

/** Address space that an object may grow into, not memory. */
const GROWTH_BYTES_DEFAULT = 64 << 20;

/**
 * Memory without a machine: addresses are 0. Objects that several parties map are kept by descriptor; all mappings of
 * one share its buffer, so `free` of a mapping detaches nothing (of private memory it does).
 */
export class SimMemory implements MemoryPort {
  readonly #objects = new Map<number, ArrayBuffer>();
  readonly #mapped = new WeakSet<ArrayBuffer>();
  readonly #growthBytes: number;
  #lastDescriptor = 0;

  /** @param growthBytes how much longer than at first an object may get */
  constructor(growthBytes = GROWTH_BYTES_DEFAULT) {
    this.#growthBytes = growthBytes;
  }

  /** A number that no object has yet. */
  newDescriptor(): number {
    this.#lastDescriptor += 1;
    return this.#lastDescriptor;
  }

  /** Makes an object of zeroed bytes that can be mapped by `descriptor`, and grow. */
  share(descriptor: number, byteLength: number): void {
    const buffer = new ArrayBuffer(byteLength, { maxByteLength: byteLength + this.#growthBytes });
    this.#mapped.add(buffer);
    this.#objects.set(descriptor, buffer);
  }

  /** Makes an object longer; what is mapped of it stays mapped. */
  grow(descriptor: number, byteLength: number): void {
    this.#objects.get(descriptor)?.resize(byteLength);
  }

  /** All bytes of an object. */
  bytesOf(descriptor: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#objects.get(descriptor) ?? new ArrayBuffer(0));
  }

  /** The object's number means nothing any more; what is mapped of it stays. */
  forget(descriptor: number): void {
    this.#objects.delete(descriptor);
  }

  allocate(byteLength: number): Memory {
    return views(new ArrayBuffer(byteLength), 0, byteLength);
  }

  map(descriptor: number, offset: number, byteLength: number, _writable: boolean): Memory {
    const buffer = this.#objects.get(descriptor);
    if (buffer === undefined || offset + byteLength > buffer.byteLength) {
      throw new DidafsError("ERR_IO", `descriptor ${descriptor} has no such bytes to map`);
    }
    return views(buffer, offset, byteLength);
  }

  /** A copy: later changes of the object are not seen, which copy-on-write allows. */
  mapPrivate(descriptor: number, offset: number, byteLength: number): Memory {
    const shared = this.map(descriptor, offset, byteLength, false);
    return views(shared.u8.slice().buffer, 0, byteLength);
  }

  mapBehindHeader(
    descriptor: number,
    headerBytes: number,
    byteLength: number,
    writable: boolean,
  ): MemoryBehindHeader {
    const header = this.map(descriptor, 0, headerBytes, writable);
    return { ...this.map(descriptor, headerBytes, byteLength, writable), header: header.i32 };
  }

  free(memory: Memory): void {
    const buffer = memory.u8.buffer;
    if (!this.#mapped.has(buffer)) buffer.transfer(0);
  }

  copy(from: Borrowed, fromAt: number, into: Borrowed, intoAt: number, length: number): void {
    into.u8.set(from.u8.subarray(fromAt, fromAt + length), intoAt);
  }

  addressOf(_bytes: Uint8Array): number {
    return 0;
  }

  borrow(bytes: Uint8Array): Borrowed {
    return { address: 0, u8: bytes };
  }
}

function views(buffer: ArrayBuffer, offset: number, byteLength: number): Memory {
  return {
    address: 0,
    u8: new Uint8Array(buffer, offset, byteLength),
    i32: new Int32Array(buffer, offset, byteLength >>> 2),
    u32: new Uint32Array(buffer, offset, byteLength >>> 2),
    i64: new BigInt64Array(buffer, offset, byteLength >>> 3),
    u64: new BigUint64Array(buffer, offset, byteLength >>> 3),
  };
}
