import { fstatSync } from "node:fs";
import type { Borrowed, Memory, MemoryBehindHeader, MemoryPort } from "../ports/memory.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { ERRNO, fromNodeError, lastErrno, systemError } from "./errno.ts";
import { addressOf, bytesAt, fcntl, madvise, memcpy, mmap, munmap, posixFadvise } from "./libc.ts";
import { checkRun } from "./message-header.ts";

// <sys/mman.h>, <linux/fcntl.h>; the same on x86-64 and arm64.
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;
const F_GET_SEALS = 1034;
// <linux/fadvise.h>
const POSIX_FADV_WILLNEED = 3;
const MAP_FAILED = -1;

/** Longest mapping whose pages are all made present at once: 16,384 page table entries, about 10 ms at worst. */
const PREFAULT_BYTES_MAX = 64 * 1024 * 1024;

/** The kernel takes no longer piece of a file at once when it is told to read it ahead, where that is set to be this short. */
const READ_AHEAD_BYTES = 128 << 10;

const NO_BYTES = new ArrayBuffer(0);

class SystemMemory implements Memory {
  address: number;
  readonly mappedBytes: number;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;

  constructor(address: number, byteLength: number) {
    const buffer = byteLength === 0 ? NO_BYTES : bytesAt(address, byteLength);
    this.address = address;
    this.mappedBytes = byteLength;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer, 0, Math.floor(byteLength / 4));
    this.u32 = new Uint32Array(buffer, 0, Math.floor(byteLength / 4));
    this.i64 = new BigInt64Array(buffer, 0, Math.floor(byteLength / 8));
    this.u64 = new BigUint64Array(buffer, 0, Math.floor(byteLength / 8));
  }

  /** Every view is dead after it. @returns what is to be unmapped */
  detach(): { start: number; byteLength: number } {
    const start = this.address;
    this.address = 0;
    // `transfer()` without 0 would make a new live view.
    if (this.mappedBytes > 0) this.u8.buffer.transfer(0);
    return { start, byteLength: this.mappedBytes };
  }
}

class SystemMemoryBehindHeader extends SystemMemory implements MemoryBehindHeader {
  readonly header: Int32Array<ArrayBuffer>;

  /** @param start where the mapping and the header begin */
  constructor(start: number, headerBytes: number, byteLength: number) {
    super(start + headerBytes, byteLength);
    this.header = new Int32Array(bytesAt(start, headerBytes));
  }

  override detach(): { start: number; byteLength: number } {
    const headerBytes = this.header.byteLength;
    this.header.buffer.transfer(0);
    const { start, byteLength } = super.detach();
    return { start: start - headerBytes, byteLength: headerBytes + byteLength };
  }
}

/**
 * Makes the pages present, so that a page that cannot be had (a media error, a file that was cut short) is an errno
 * here and not a SIGBUS later. Writable pages of memory objects are also made writable; those of files are not,
 * because that would dirty every page and the next sync would write them all.
 *
 * Pages of files are read ahead first: what page faults bring in the kernel keeps in pieces of up to 2 MiB, and one store to
 * such a piece has the next sync write all of it (ext4 since Linux 6.16: 950 KiB a word, where it is 4 KiB this way).
 */
function prefault(
  address: number,
  descriptor: number,
  offset: number,
  byteLength: number,
  writable: boolean,
): number {
  const inMemory = fcntl(descriptor, F_GET_SEALS, 0) >= 0;
  if (!inMemory) readAhead(descriptor, offset, byteLength);
  const advice = writable && inMemory ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  if (madvise(address, byteLength, advice) === 0) return 0;
  const errno = lastErrno();
  // EINVAL: kernels before 5.14 do not know the advice. EINTR and EAGAIN: stopped half-way, which is no failure.
  return errno === ERRNO.EINVAL || errno === ERRNO.EINTR || errno === ERRNO.EAGAIN ? 0 : errno;
}

/** Has pages of a file brought into the kernel's cache one by one. Advice only: what cannot be read is found out later. */
function readAhead(descriptor: number, offset: number, byteLength: number): void {
  for (let at = 0; at < byteLength; at += READ_AHEAD_BYTES) {
    const piece = Math.min(READ_AHEAD_BYTES, byteLength - at);
    posixFadvise(descriptor, offset + at, piece, POSIX_FADV_WILLNEED);
  }
}

function objectBytes(descriptor: number, doing: string): number {
  try {
    return fstatSync(descriptor).size;
  } catch (error) {
    throw fromNodeError(doing, error);
  }
}

function mapObject(
  descriptor: number,
  offset: number,
  byteLength: number,
  protection: number,
  flags: number,
): number {
  const doing = `map ${byteLength} bytes from ${offset}`;
  // Pages past the end of the object would raise SIGBUS when touched.
  if (objectBytes(descriptor, doing) < offset + byteLength) {
    throw new DidafsError("ERR_IO", `cannot ${doing}: the object is shorter`);
  }
  const address = mmap(0, byteLength, protection, flags, descriptor, offset);
  if (address === MAP_FAILED) throw notMapped(doing, lastErrno());
  if (byteLength <= PREFAULT_BYTES_MAX) {
    // Making private pages writable would copy each one.
    const writable = flags === MAP_SHARED && protection !== PROT_READ;
    const errno = prefault(address, descriptor, offset, byteLength, writable);
    if (errno !== 0) {
      munmap(address, byteLength);
      throw notMapped(doing, errno);
    }
  }
  return address;
}

/** ENOMEM is seldom want of memory: mostly the process has as many mappings as the kernel allows it. */
function notMapped(doing: string, errno: number): DidafsError {
  const { message } = systemError(doing, errno);
  if (errno !== ERRNO.ENOMEM) return new DidafsError("ERR_IO", message);
  return new DidafsError(
    "ERR_TOO_MANY",
    `${message}; too many mappings (vm.max_map_count), or no room left for one so long: close windows`,
  );
}

function mapMemory(
  descriptor: number,
  offset: number,
  byteLength: number,
  protection: number,
  flags: number,
): Memory {
  if (byteLength === 0) return new SystemMemory(0, 0);
  return new SystemMemory(mapObject(descriptor, offset, byteLength, protection, flags), byteLength);
}

/**
 * Where the first byte of a caller's ArrayBuffer lies. It stays there for the buffer's life; a cached answer takes
 * 25 ns where asking takes 75-130 (and 100 more to remember it), and callers use the same buffers, or Node's pool,
 * again and again.
 */
const bufferAddresses = new WeakMap<ArrayBufferLike, number>();

function borrowedAddress(bytes: Uint8Array): number {
  const buffer = bytes.buffer;
  let base = bufferAddresses.get(buffer);
  if (base === undefined) {
    base = addressOf(bytes) - bytes.byteOffset;
    // The address of no bytes is 0, also where the buffer has some: no base to remember.
    if (bytes.byteLength > 0) bufferAddresses.set(buffer, base);
  }
  return base + bytes.byteOffset;
}

/** Memory of this process by mmap(2). */
export const systemMemory: MemoryPort = {
  allocate(byteLength: number): Memory {
    if (byteLength === 0) return new SystemMemory(0, 0);
    const address = mmap(0, byteLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address === MAP_FAILED) throw systemError(`allocate ${byteLength} bytes`);
    return new SystemMemory(address, byteLength);
  },

  map: (descriptor, offset, byteLength, writable) =>
    mapMemory(descriptor, offset, byteLength, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED),

  mapBehindHeader(descriptor, headerBytes, byteLength, writable): MemoryBehindHeader {
    const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    const start = mapObject(descriptor, 0, headerBytes + byteLength, protection, MAP_SHARED);
    return new SystemMemoryBehindHeader(start, headerBytes, byteLength);
  },

  // Not reserved: few pages are ever stored to, and a region may be larger than the machine's memory.
  mapPrivate: (descriptor, offset, byteLength) =>
    mapMemory(descriptor, offset, byteLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE),

  free(memory: Memory): void {
    assert(memory instanceof SystemMemory, "memory is freed by the port that made it");
    if (memory.mappedBytes === 0 && !(memory instanceof SystemMemoryBehindHeader)) return;
    assert(memory.address !== 0, "memory is freed once");
    // Detached first, so that no view reaches what lies at these addresses next.
    const { start, byteLength } = memory.detach();
    assert(munmap(start, byteLength) === 0, "a mapping of ours can be unmapped");
  },

  // As quick as TypedArray.set with a subarray, which allocates the subarray.
  copy(from: Borrowed, fromAt: number, into: Borrowed, intoAt: number, length: number): void {
    checkRun(from, fromAt, length);
    checkRun(into, intoAt, length);
    memcpy(into.address + intoAt, from.address + fromAt, length);
  },

  addressOf: borrowedAddress,

  borrow(bytes: Uint8Array): Borrowed {
    return { address: borrowedAddress(bytes), u8: bytes };
  },
};
