import { fstatSync } from "node:fs";
import type { DriveObject } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { close, fallocate, fcntl, ftruncate, open, posixFallocate } from "./libc.ts";
import { systemMemory } from "./memory.ts";
import { O_CLOEXEC, O_RDONLY } from "./open-flags.ts";

/** One reservation is tried so often when signals interrupt it; tmpfs then begins again from nothing. */
const RESERVE_TRIES = 16;

// <linux/falloc.h>, <linux/fcntl.h>, <asm-generic/signal.h>; the same on x86-64 and arm64.
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_ZERO_RANGE = 16;
const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;
const SIGURG = 23;

const PAGE_BYTES = 4096;
/** In which the kernel tells what an object has (stat.st_blocks). */
export const BLOCK_BYTES = 512;
/** Mapped at a time to be filled. */
const FILL_BYTES = 64 << 20;

/** Of an object: what other users may do with it is decided by the descriptors that they are passed. */
export const OWNER_ONLY_FILE = 0o600;

const NAME = /^[a-z0-9-][a-z0-9.-]{0,254}$/;

/** Names become file names: what could leave the directory, or hide in it, is refused. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new DidafsError("ERR_INVALID_ARGUMENT", `"${name}" is no name for a drive's object`);
}

/** Whether a file of this name can be an object of a drive. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Reserves bytes from `at`, so that no later store can lack space.
 * @returns 0 or the errno of the failure
 */
export function reserve(descriptor: number, at: number, byteLength: number): number {
  assert(byteLength > 0, "what is reserved has bytes");
  let errno: number = ERRNO.EINTR;
  for (let tries = 0; errno === ERRNO.EINTR && tries < RESERVE_TRIES; tries += 1) {
    errno = posixFallocate(descriptor, at, byteLength);
  }
  return errno;
}

/** What differs between the drives that objects lie on. */
export interface ObjectPlace {
  readonly sealed: boolean;
  /** Bytes that can still be reserved. */
  freeBytes(): number;
  /** Space can be had and given back at any time: there is no file system that could be full. */
  readonly inMemory: boolean;
  /** The object has more or less space now. */
  spaceChanged(): void;
}

/** An open object; owns its descriptor. */
export class OpenObject implements DriveObject {
  readonly name: string;
  readonly #place: ObjectPlace;
  #byteLength: number;
  #descriptor: number;

  /** Takes over `descriptor`. */
  constructor(name: string, descriptor: number, place: ObjectPlace) {
    this.name = name;
    this.#place = place;
    this.#byteLength = fstatSync(descriptor).size;
    this.#descriptor = descriptor;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get sealed(): boolean {
    return this.#place.sealed;
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  readOnlyDescriptor(): number {
    assert(this.#descriptor >= 0, "an open object is asked");
    // The kernel's own way to the same object: works for memory and for a file that has lost its name.
    const descriptor = open(`/proc/self/fd/${this.#descriptor}`, O_RDONLY | O_CLOEXEC, 0);
    if (descriptor < 0) throw systemError(`open ${this.name} for reading`);
    return descriptor;
  }

  extend(at: number, end: number): void {
    if (at >= end) return;
    // What lies before `at` is reserved; the rest of what is allocated counts as if it came first.
    const newBytes = Math.max(0, end - Math.max(at, fstatSync(this.#descriptor).blocks * BLOCK_BYTES));
    const freeBytes = this.#place.freeBytes();
    if (newBytes > freeBytes) {
      throw new DidafsError(
        "ERR_NO_SPACE",
        `cannot reserve ${newBytes} more bytes for ${this.name}: ${freeBytes} are free`,
      );
    }
    const errno = reserve(this.#descriptor, at, end - at);
    if (errno === 0) this.#byteLength = Math.max(this.#byteLength, end);
    // Nobody can have mapped what was not there, so this one time it may be cut off.
    else if (!this.#place.sealed) ftruncate(this.#descriptor, this.#byteLength);
    this.#place.spaceChanged();
    if (errno !== 0) throw systemError(`reserve ${end - at} bytes for ${this.name}`, errno);
  }

  zero(at: number, byteLength: number): void {
    const end = Math.min(at + byteLength, this.#byteLength);
    if (at >= end) return;
    const how = this.#place.inMemory ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    if (fallocate(this.#descriptor, how | FALLOC_FL_KEEP_SIZE, at, end - at) !== 0) {
      const errno = lastErrno();
      if (errno !== ERRNO.EOPNOTSUPP) throw systemError(`zero ${end - at} bytes of ${this.name}`, errno);
      this.#fillZeros(at, end);
    }
    this.#place.spaceChanged();
  }

  /** For file systems that cannot do it by themselves (tmpfs). */
  #fillZeros(at: number, end: number): void {
    for (let from = at; from < end; ) {
      const page = Math.floor(from / PAGE_BYTES) * PAGE_BYTES;
      const to = Math.min(end, page + FILL_BYTES);
      const memory = systemMemory.map(this.#descriptor, page, to - page, true);
      memory.u8.fill(0, from - page);
      systemMemory.free(memory);
      from = to;
    }
  }

  punch(at: number, byteLength: number): boolean {
    const end = Math.min(at + byteLength, this.#byteLength);
    if (at >= end) return true;
    const descriptor = this.#descriptor;
    // A write lease is given to the only one who has the object open; a mapping counts as open. The signal that would
    // tell of somebody who opens it meanwhile, and waits, must not be the default, which ends the process.
    if (!this.#place.inMemory) {
      fcntl(descriptor, F_SETSIG, SIGURG);
      if (fcntl(descriptor, F_SETLEASE, F_WRLCK) !== 0) return false;
    }
    try {
      return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - at) === 0;
    } finally {
      if (!this.#place.inMemory) fcntl(descriptor, F_SETLEASE, F_UNLCK);
      this.#place.spaceChanged();
    }
  }

  close(): void {
    if (this.#descriptor >= 0) close(this.#descriptor);
    this.#descriptor = -1;
  }
}
