import { fchmodSync, fstatSync } from "node:fs";
import { totalmem } from "node:os";
import type { Drive, DriveObject } from "../ports/drive.ts";
import { DidafsError } from "../std/errors.ts";
import { BLOCK_BYTES, checkName, OpenObject, OWNER_ONLY_FILE, reserve } from "./drive-object.ts";
import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { close, fcntl, memfdCreate, open } from "./libc.ts";
import { mediumOf } from "./medium.ts";
import { O_CLOEXEC, O_RDONLY, O_RDWR } from "./open-flags.ts";

// <linux/memfd.h>, <linux/fcntl.h>; the same on x86-64 and arm64.
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;

/** Left to the rest of the machine: the kernel would end processes, ours among them, before it refused memory. */
const HEADROOM_FRACTION = 1 / 16;

function createMemfd(name: string): number {
  const descriptor = memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  // Kernels before 6.3 do not know MFD_NOEXEC_SEAL.
  if (descriptor < 0 && lastErrno() === ERRNO.EINVAL)
    return memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return descriptor;
}

interface Held {
  readonly descriptor: number;
  /** What it takes of the machine's memory. */
  usedBytes: number;
}

/**
 * Objects without names in any file system, held by this process: they end with it. They are sealed against shrinking
 * and against further seals. Growing cannot be sealed, because regions grow: so a peer of another user, once it has a
 * writable descriptor, can have an object take more memory than the drive counts. Any user can take as much by an
 * object of its own; what the target maps and serves does not change by it.
 */
class MemoryDrive implements Drive {
  readonly kind = "memory";
  readonly durable = false;
  readonly medium: string = mediumOf("memory");
  readonly #limitBytes: number;
  readonly #held = new Map<string, Held>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  create(name: string, byteLength: number): DriveObject {
    checkName(name);
    if (this.#held.has(name)) throw new DidafsError("EEXIST", `the memory drive has ${name} already`);
    // Memory objects have no limit of their own; without this the machine would run out.
    const { freeBytes } = this.capacity();
    if (byteLength > freeBytes) {
      checkDescriptors(name);
      throw new DidafsError(
        "ERR_NO_SPACE",
        `cannot reserve ${byteLength} bytes for ${name}: the memory drive has ${freeBytes} left`,
      );
    }
    const descriptor = createMemfd(name);
    if (descriptor < 0) throw systemError(`create ${name} in memory`);
    try {
      const errno = reserve(descriptor, 0, byteLength);
      if (errno !== 0) throw systemError(`reserve ${byteLength} bytes for ${name}`, errno);
      // Made open to everybody: whoever is passed a descriptor to read could open the object again, to write.
      fchmodSync(descriptor, OWNER_ONLY_FILE);
      if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) !== 0) {
        throw systemError(`seal ${name}`);
      }
      const held = { descriptor, usedBytes: byteLength };
      const object = this.#openAgain(name, held);
      this.#held.set(name, held);
      return object;
    } catch (error) {
      close(descriptor);
      throw error;
    }
  }

  open(name: string): DriveObject | undefined {
    checkName(name);
    const held = this.#held.get(name);
    return held === undefined ? undefined : this.#openAgain(name, held);
  }

  remove(name: string): void {
    checkName(name);
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    close(held.descriptor);
  }

  names(): string[] {
    return [...this.#held.keys()];
  }

  capacity(): { totalBytes: number; freeBytes: number } {
    let usedBytes = 0;
    for (const held of this.#held.values()) usedBytes += held.usedBytes;
    // Both know of a control group's limit; without one, the limit is 0 or beyond what the machine has.
    const groupBytes = process.constrainedMemory();
    const machineBytes = groupBytes > 0 ? Math.min(groupBytes, totalmem()) : totalmem();
    // Reading it takes a descriptor; without one it is 0, which says nothing of memory.
    const availableBytes = process.availableMemory() || machineBytes;
    const spareBytes = availableBytes - machineBytes * HEADROOM_FRACTION;
    const freeBytes = Math.max(0, Math.floor(Math.min(this.#limitBytes - usedBytes, spareBytes)));
    return { totalBytes: Math.min(this.#limitBytes, machineBytes), freeBytes };
  }

  close(): void {
    for (const held of this.#held.values()) close(held.descriptor);
    this.#held.clear();
  }

  /** A second descriptor, so that an object that is closed leaves the drive's own open. */
  #openAgain(name: string, held: Held): DriveObject {
    const own = open(`/proc/self/fd/${held.descriptor}`, O_RDWR | O_CLOEXEC, 0);
    if (own < 0) throw systemError(`open ${name}`);
    return new OpenObject(name, own, {
      sealed: true,
      inMemory: true,
      freeBytes: () => this.capacity().freeBytes,
      spaceChanged: () => {
        if (this.#held.get(name) === held) held.usedBytes = fstatSync(held.descriptor).blocks * BLOCK_BYTES;
      },
    });
  }
}

/** @param limitBytes the most that all objects together may take, beside what the machine has left */
export function openMemoryDrive(limitBytes: number = Number.MAX_SAFE_INTEGER): Drive {
  return new MemoryDrive(limitBytes);
}

/** Asking for the machine's memory takes a descriptor; without one it has none. @throws ERR_TOO_MANY */
function checkDescriptors(name: string): void {
  const probe = open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
  if (probe < 0) throw systemError(`create ${name} in memory`);
  close(probe);
}
