import { constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DidafsError } from "../std/errors.ts";
import { fromNodeError, lastErrno, systemError } from "./errno.ts";
import { close, fsync, open } from "./libc.ts";
import { O_CLOEXEC, O_RDONLY } from "./open-flags.ts";

const OWNER_ONLY_DIRECTORY = 0o700;

/** @returns a descriptor, which the caller closes @throws ENOENT, ENOTDIR, EACCES, ERR_IO */
export function openDirectory(directory: string): number {
  const descriptor = open(directory, O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0);
  if (descriptor < 0) throw systemError(`open ${directory}`);
  return descriptor;
}

/** Makes the names in a directory durable. @throws EACCES, ERR_IO */
export function syncDirectory(directory: string): void {
  const descriptor = openDirectory(directory);
  const errno = fsync(descriptor) === 0 ? 0 : lastErrno();
  close(descriptor);
  if (errno !== 0) throw systemError(`sync ${directory}`, errno);
}

/**
 * Makes a directory, and those above it that are missing, for the owner alone and durably: what is synced inside of it
 * later would be lost with its name. @throws EACCES, ENOENT, ENOTDIR, ERR_NO_SPACE, ERR_IO
 */
export function makeDirectory(path: string): void {
  const directory = resolve(path);
  // Level by level: Node's recursive form never ends where a file system says ENOENT below a directory that is there
  // (/proc does).
  const missing: string[] = [];
  for (let name = directory; !existsSync(name); name = dirname(name)) missing.unshift(name);
  for (const name of missing) {
    try {
      mkdirSync(name, { mode: OWNER_ONLY_DIRECTORY });
    } catch (error) {
      // Somebody else was quicker.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fromNodeError(`make ${directory}`, error);
    }
    syncDirectory(dirname(name));
  }
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new DidafsError("ENOTDIR", `cannot make ${directory}: it exists and is no directory`, {
      path: directory,
    });
  }
}
