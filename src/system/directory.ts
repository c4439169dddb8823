import { constants, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
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
 * later would be lost with its name. @throws EACCES, ERR_NO_SPACE, ERR_IO
 */
export function makeDirectory(path: string): void {
  const directory = resolve(path);
  let made: string | undefined;
  try {
    made = mkdirSync(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  } catch (error) {
    throw fromNodeError(`make ${directory}`, error);
  }
  // `made` is the first directory that was missing: its name stands in its parent, and so on down.
  for (let name = directory; made !== undefined && name.length >= made.length; name = dirname(name)) {
    syncDirectory(dirname(name));
  }
}
