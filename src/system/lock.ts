import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DidafsError } from "../std/errors.ts";
import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { close, flock, ftruncate, open } from "./libc.ts";
import { O_CLOEXEC, O_CREAT, O_RDWR } from "./open-flags.ts";

// <sys/file.h>; the same on x86-64 and arm64.
const LOCK_EX = 2;
const LOCK_NB = 4;

const LOCK_FILE = "lock";
/** Of the largest that Linux gives. */
const PID_DIGITS = 7;

/** A directory that only this holder uses. It is free again after `release`, or when the process ends in any way. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the lock of `directory`, which must exist. Does not wait.
 * @throws ERR_ALREADY_RUNNING when another holder has it, in this process or in another; ENOENT, EACCES
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, LOCK_FILE);
  let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  if (descriptor < 0) throw systemError(`open ${path}`);
  if (flock(descriptor, LOCK_EX | LOCK_NB) !== 0) {
    const errno = lastErrno();
    close(descriptor);
    if (errno !== ERRNO.EWOULDBLOCK) throw systemError(`lock ${path}`, errno);
    throw new DidafsError("ERR_ALREADY_RUNNING", `${directory} is in use${holderOf(path)}`, {
      path: directory,
    });
  }
  // The file stays when the lock is released: to remove it would let two holders lock two files of that name. What
  // is written in it only serves the message above: a drive without room for it must not keep anyone from serving. It
  // is as long every time, so that it needs no more room than the one before.
  try {
    writeSync(descriptor, `${String(process.pid).padEnd(PID_DIGITS)}\n`, 0);
  } catch {
    ftruncate(descriptor, 0);
  }
  return {
    release(): void {
      if (descriptor >= 0) close(descriptor);
      descriptor = -1;
    },
  };
}

function holderOf(path: string): string {
  const pid = Number.parseInt(readFileSync(path, "latin1"), 10);
  return pid > 0 ? ` by process ${pid}` : "";
}
