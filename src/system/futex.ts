import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { addressOf, syscallFutex } from "./libc.ts";

// <asm/unistd.h>: the number differs. <linux/futex.h>: shared futexes, which work between processes too.
const SYS_FUTEX = process.arch === "x64" ? 202 : 98;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

/** struct timespec, relative: seconds i64, nanoseconds i64. Both halves stay below 2^31 here. */
const timespec = new Int32Array(4);
const timespecAddress = addressOf(new Uint8Array(timespec.buffer));
const TIMEOUT_MS_MAX = 2 ** 31;

/**
 * Blocks this thread while the 32-bit word at `address` equals `expected`, until it is woken, at most `timeoutMs`.
 * For words in memory that processes share; threads that share a SharedArrayBuffer have Atomics.wait.
 * @returns false when the time passed; true otherwise, also without a reason: look at the word again
 */
export function futexWait(address: number, expected: number, timeoutMs: number): boolean {
  const ms = Math.min(Math.max(timeoutMs, 0), TIMEOUT_MS_MAX);
  timespec[0] = Math.floor(ms / 1000);
  timespec[2] = Math.floor((ms % 1000) * 1e6);
  if (syscallFutex(SYS_FUTEX, address, FUTEX_WAIT, expected | 0, timespecAddress, 0, 0) === 0) return true;
  const errno = lastErrno();
  if (errno === ERRNO.ETIMEDOUT) return false;
  if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return true;
  throw systemError("wait for a word of memory", errno);
}

/** Wakes up to `count` waiters of the word at `address`. @returns how many were woken */
export function futexWake(address: number, count: number): number {
  const woken = syscallFutex(SYS_FUTEX, address, FUTEX_WAKE, count, 0, 0, 0);
  if (woken < 0) throw systemError("wake waiters of a word of memory");
  return woken;
}
