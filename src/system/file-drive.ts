import { constants, readdirSync, statfsSync, statSync, unlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Drive, DriveObject, DriveSync } from "../ports/drive.ts";
import { DidafsError } from "../std/errors.ts";
import { makeDirectory, openDirectory, syncDirectory } from "./directory.ts";
import { checkName, isName, OpenObject, OWNER_ONLY_FILE, reserve } from "./drive-object.ts";
import { ERRNO, fromNodeError, lastErrno, systemError } from "./errno.ts";
import { close, fdatasync, fsync, open, syncFileRange } from "./libc.ts";
import { mediumOf } from "./medium.ts";
import { O_CLOEXEC, O_CREAT, O_EXCL, O_RDWR } from "./open-flags.ts";

/** Runs one of Node's own file functions; what it throws becomes a typed error. */
function attempt<T>(doing: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw fromNodeError(doing, error);
  }
}

/** A directory of its own, one file per object. Readable and writable by the owner only. */
class FileDrive implements Drive {
  readonly kind = "file";
  readonly durable = true;
  readonly medium: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    const { dev } = attempt(`look at ${directory}`, () => statSync(directory, { bigint: true }));
    this.medium = mediumOf(`device ${dev}`);
  }

  create(name: string, byteLength: number): DriveObject {
    const path = this.#path(name);
    // Some file systems would fill up before they refuse, and others' writes would fail meanwhile.
    const { freeBytes } = this.capacity();
    if (byteLength > freeBytes) {
      throw new DidafsError(
        "ERR_NO_SPACE",
        `cannot reserve ${byteLength} bytes for ${path}: ${freeBytes} are free`,
      );
    }
    const flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    const descriptor = open(path, flags, OWNER_ONLY_FILE);
    if (descriptor < 0) throw systemError(`create ${path}`);
    const errno = reserve(descriptor, 0, byteLength);
    if (errno !== 0) {
      close(descriptor);
      unlinkSync(path);
      throw systemError(`reserve ${byteLength} bytes for ${path}`, errno);
    }
    return this.#opened(name, descriptor);
  }

  open(name: string): DriveObject | undefined {
    const path = this.#path(name);
    const descriptor = open(path, O_RDWR | O_CLOEXEC | constants.O_NOFOLLOW, 0);
    if (descriptor >= 0) return this.#opened(name, descriptor);
    const errno = lastErrno();
    if (errno === ERRNO.ENOENT) return undefined;
    throw systemError(`open ${path}`, errno);
  }

  remove(name: string): void {
    const path = this.#path(name);
    try {
      unlinkSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fromNodeError(`remove ${path}`, error);
    }
  }

  names(): string[] {
    const entries = attempt(`list ${this.#directory}`, () =>
      readdirSync(this.#directory, { withFileTypes: true }),
    );
    return entries.filter((entry) => entry.isFile() && isName(entry.name)).map((entry) => entry.name);
  }

  capacity(): { totalBytes: number; freeBytes: number } {
    const figures = attempt(`ask for the space of ${this.#directory}`, () => statfsSync(this.#directory));
    return { totalBytes: figures.blocks * figures.bsize, freeBytes: figures.bavail * figures.bsize };
  }

  /** Nothing is held open beside the objects, which belong to their callers. */
  close(): void {}

  #opened(name: string, descriptor: number): DriveObject {
    return new OpenObject(name, descriptor, {
      sealed: false,
      inMemory: false,
      freeBytes: () => this.capacity().freeBytes,
      spaceChanged: () => {},
    });
  }

  #path(name: string): string {
    checkName(name);
    return join(this.#directory, name);
  }
}

/**
 * Opens the drive in the directory `path`, which nothing else may use. It is made, durably, when it is missing.
 * @throws EACCES, ERR_IO
 */
export function openFileDrive(path: string): Drive {
  const directory = resolve(path);
  makeDirectory(directory);
  // Also of a start that did not live to sync it: then the drive's own name was there, and nothing was made.
  syncDirectory(dirname(directory));
  return new FileDrive(directory);
}

// <linux/fs.h>
const SYNC_FILE_RANGE_WAIT_BEFORE = 1;
const SYNC_FILE_RANGE_WRITE = 2;

/** Length 0 means up to the end of the file. A sandbox that forbids the call takes away speed only: syncs follow. */
function wholeFileRange(object: number, flags: number): number {
  if (syncFileRange(object, 0, 0, flags) === 0) return 0;
  const errno = lastErrno();
  return errno === ERRNO.ENOSYS || errno === ERRNO.EPERM ? 0 : errno;
}

/** Opens the syncing side of the drive in `directory`, for its sync thread. */
export function openFileDriveSync(directory: string): DriveSync {
  let descriptor = openDirectory(directory);
  return {
    startWriting: (object: number): number => wholeFileRange(object, SYNC_FILE_RANGE_WRITE),
    awaitWriting: (object: number): number => wholeFileRange(object, SYNC_FILE_RANGE_WAIT_BEFORE),
    sync: (object: number): number => (fdatasync(object) === 0 ? 0 : lastErrno()),
    syncNames: (): number => (fsync(descriptor) === 0 ? 0 : lastErrno()),
    close(): void {
      if (descriptor >= 0) close(descriptor);
      descriptor = -1;
    },
  };
}
