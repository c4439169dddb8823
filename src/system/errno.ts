import { constants } from "node:os";
import { DidafsError, type ErrorCode, isDidafsError } from "../std/errors.ts";
import { errnoWord, strerror } from "./libc.ts";

/** The kernel's error numbers by name, for comparison with {@link lastErrno}. */
export const ERRNO: typeof constants.errno = constants.errno;

/** The errors that a person can act on; all others are ERR_IO. */
const CODES: readonly (readonly [errno: number, code: ErrorCode])[] = [
  [ERRNO.ENOSPC, "ERR_NO_SPACE"],
  [ERRNO.EDQUOT, "ERR_NO_SPACE"],
  [ERRNO.EFBIG, "ERR_NO_SPACE"],
  [ERRNO.EADDRINUSE, "ERR_PORT_IN_USE"],
  [ERRNO.EADDRNOTAVAIL, "ERR_INVALID_ARGUMENT"],
  [ERRNO.ECONNREFUSED, "ERR_UNREACHABLE"],
  [ERRNO.ENETUNREACH, "ERR_UNREACHABLE"],
  [ERRNO.EHOSTUNREACH, "ERR_UNREACHABLE"],
  [ERRNO.ENETDOWN, "ERR_UNREACHABLE"],
  [ERRNO.EAFNOSUPPORT, "ERR_UNREACHABLE"],
  [ERRNO.EACCES, "EACCES"],
  [ERRNO.EPERM, "EACCES"],
  [ERRNO.EMFILE, "ERR_TOO_MANY"],
  [ERRNO.ENFILE, "ERR_TOO_MANY"],
  [ERRNO.ENOMEM, "ERR_TOO_MANY"],
  [ERRNO.EEXIST, "EEXIST"],
  [ERRNO.ENOENT, "ENOENT"],
  [ERRNO.ENOTDIR, "ENOTDIR"],
];

/** The errno of this thread's last call; only right after a call that failed. */
export function lastErrno(): number {
  return errnoWord[0] as number;
}

const NAMES = new Map(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** For people: `ENOSPC: No space left on device`. */
export function errnoText(errno: number): string {
  return `${NAMES.get(errno) ?? `errno ${errno}`}: ${strerror(errno)}`;
}

/**
 * The typed error for a system call that failed.
 * @param doing what was tried, naming its object: "listen on 127.0.0.1:80"
 */
export function systemError(doing: string, errno: number = lastErrno()): DidafsError {
  const code: ErrorCode = CODES.find(([number]) => number === errno)?.[1] ?? "ERR_IO";
  return new DidafsError(code, `cannot ${doing}: ${errnoText(errno)}`);
}

/** The same for an error that Node's own `fs` threw; other errors pass unchanged. */
export function fromNodeError(doing: string, error: unknown): unknown {
  // Ours have an errno too.
  if (isDidafsError(error)) return error;
  const errno = (error as NodeJS.ErrnoException).errno;
  return typeof errno === "number" && errno < 0 ? systemError(doing, -errno) : error;
}
