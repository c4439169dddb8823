import { fstatSync } from "node:fs";
import type { DriveObject } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { ERRNO, systemError } from "./errno.ts";
import { close, open, posixFallocate } from "./libc.ts";
import { O_CLOEXEC, O_RDONLY } from "./open-flags.ts";

/** One reservation is tried so often when signals interrupt it; tmpfs then begins again from nothing. */
const RESERVE_TRIES = 16;

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
 * Reserves all bytes of a new object, so that no later store can lack space.
 * @returns 0 or the errno of the failure
 */
export function reserve(descriptor: number, byteLength: number): number {
  assert(byteLength > 0, "an object has bytes");
  let errno: number = ERRNO.EINTR;
  for (let tries = 0; errno === ERRNO.EINTR && tries < RESERVE_TRIES; tries += 1) {
    errno = posixFallocate(descriptor, 0, byteLength);
  }
  return errno;
}

/** An open object; owns its descriptor. */
export class OpenObject implements DriveObject {
  readonly name: string;
  readonly byteLength: number;
  readonly sealed: boolean;
  #descriptor: number;

  /** Takes over `descriptor`. */
  constructor(name: string, descriptor: number, sealed: boolean) {
    this.name = name;
    this.sealed = sealed;
    this.byteLength = fstatSync(descriptor).size;
    this.#descriptor = descriptor;
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

  close(): void {
    if (this.#descriptor >= 0) close(this.#descriptor);
    this.#descriptor = -1;
  }
}
