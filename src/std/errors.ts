/**
 * The one table of error codes; docs/errors.md is generated from it. `status` is the number that travels in answers:
 * numbers are never reused, retired codes stay. `errno` is Linux's number for what comes nearest
 * (asm-generic/errno.h). `action` tells a program what to do: try again, report to a person, or stop using the object.
 */
export const ERROR_TABLE = {
  // Names and files (POSIX names)
  ENOENT: [1, 2, "report", "no such file or directory"],
  EEXIST: [2, 17, "report", "the name exists already"],
  ENOTDIR: [3, 20, "report", "a part of the path, or what it names, is no directory"],
  EISDIR: [4, 21, "report", "a directory where a file is needed"],
  ENOTEMPTY: [5, 39, "report", "the directory is not empty"],
  EACCES: [6, 13, "report", "the machine's permissions forbid it"],
  ELOOP: [7, 40, "report", "too many symbolic links on the way"],
  ENAMETOOLONG: [8, 36, "report", "a name above 255 bytes, or a path above 4096"],
  EINVAL: [9, 22, "report", "a path, or a move, that cannot be"],
  EPERM: [10, 1, "report", "not possible on this kind of file"],
  ENODATA: [11, 61, "report", "no extended attribute of that name"],
  EMLINK: [12, 31, "report", "the file has as many names as it may have"],
  // Calls
  ERR_INVALID_ARGUMENT: [20, 22, "report", "an argument of the wrong kind or out of bounds"],
  ERR_TIMEOUT: [21, 110, "retry", "no result within the call's time"],
  ERR_ABORTED: [22, 125, "report", "the caller's signal ended the call"],
  ERR_CLOSED: [23, 9, "stop", "the cluster, file or window is closed"],
  ERR_NOT_SUPPORTED: [24, 95, "report", "this version cannot do that"],
  ERR_INTERNAL: [25, 131, "report", "a fault of DiDAFS itself: please report it with the log"],
  // Accesses
  ERR_RANGE: [40, 34, "report", "the range leaves the window, or the file has been cut there"],
  ERR_ALIGNMENT: [41, 22, "report", "a word must begin at a multiple of its size"],
  ERR_UNSAFE_INTEGER: [42, 75, "report", "the result does not fit a number; the error's `value` has it"],
  ERR_RIGHTS: [43, 13, "report", "the window, or its capability, does not allow that"],
  ERR_BAD_HANDLE: [44, 9, "stop", "the target knows no such window"],
  ERR_NOT_DIRECT: [45, 95, "report", "the bytes are not mapped here"],
  ERR_NOT_CONTIGUOUS: [46, 95, "report", "the range lies on more than one region"],
  ERR_SHARING_CONFLICT: [47, 16, "retry", "windows of the other kind are open on the file"],
  ERR_REVOKED: [48, 128, "stop", "access to the file was taken back; open it again"],
  ERR_EXPIRED: [49, 127, "retry", "the capability has run out; the library asks for another by itself"],
  ERR_CAPABILITY: [50, 129, "stop", "the capability is forged, damaged, or another origin's"],
  ERR_DEADLOCK: [51, 35, "retry", "the lock waits in a circle; release what you hold and begin again"],
  ERR_EPOCH_CONFLICT: [
    52,
    11,
    "retry",
    "another epoch came first; nothing of this one took effect, run it again",
  ],
  ERR_INVALID_EPOCH: [53, 22, "report", "no epoch can have these guarantees together, or begin here"],
  ERR_REGION_RAW: [54, 95, "report", "the window is raw, and such an epoch needs a managed one"],
  // Sessions and the wire
  ERR_SESSION_LOST: [60, 104, "stop", "the session with a target has ended; open the window again"],
  ERR_PROTOCOL: [61, 71, "stop", "the peer sent what no DiDAFS sends"],
  ERR_VERSION: [62, 93, "stop", "written or spoken by another version of DiDAFS"],
  ERR_AUTH: [63, 13, "stop", "the peer has another key, or is somebody else"],
  ERR_UNREACHABLE: [64, 113, "retry", "nobody answers there, or the connection broke"],
  ERR_TOO_MANY: [65, 24, "retry", "a limit on sessions, windows, files or descriptors is reached"],
  // Drives and regions
  ERR_NO_SPACE: [80, 28, "report", "the drive, or the metadata, have no room"],
  ERR_NOT_DURABLE: [81, 95, "report", "the drive cannot make bytes survive power loss"],
  ERR_IO: [82, 5, "stop", "the drive failed"],
  ERR_DATA_LOST: [83, 5, "stop", "bytes that were there are gone"],
  ERR_CORRUPT: [84, 117, "stop", "what is stored contradicts itself or its checksum"],
  ERR_NO_TARGET: [85, 19, "retry", "too few targets of the wanted kind are up"],
  // Running a cluster
  ERR_ALREADY_RUNNING: [100, 16, "report", "the directory, or the identity, is served already"],
  ERR_NOT_RUNNING: [101, 111, "report", "no cluster runs there"],
  ERR_PORT_IN_USE: [102, 98, "report", "another program listens on that port"],
  ERR_NO_KEY: [103, 126, "report", "no usable key was found"],
  ERR_PLATFORM: [104, 38, "stop", "not this system, or not this version of Node"],
  ERR_START_FAILED: [105, 10, "report", "a service ended before it served"],
  // Groups
  ERR_GROUP_ENDED: [
    110,
    130,
    "stop",
    "a member of the group left, ended or did not come in time; the error's `value` is its rank. Join anew",
  ],
  ERR_GROUP_TAKEN: [111, 16, "report", "the group has all its members, or somebody has that place in it"],
} as const satisfies Record<
  string,
  readonly [status: number, errno: number, action: ErrorAction, meaning: string]
>;

export type ErrorCode = keyof typeof ERROR_TABLE;
export type ErrorAction = "retry" | "report" | "stop";
/** Whether the operation took effect before it failed. */
export type Applied = "yes" | "no" | "unknown";

export interface ErrorDetails {
  applied?: Applied | undefined;
  path?: string | undefined;
  target?: string | undefined;
  /** The exact result that did not fit a number (ERR_UNSAFE_INTEGER). */
  value?: bigint | undefined;
  cause?: unknown;
}

const BRAND = Symbol.for("didafs.error");

/** Every error that DiDAFS raises on purpose. Narrow it with {@link isDidafsError}, not with instanceof. */
export class DidafsError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "DidafsError";
  readonly code: C;
  /** Negative, as in Node's own system errors. */
  readonly errno: number;
  readonly action: ErrorAction;
  readonly applied: Applied;
  declare readonly path?: string;
  declare readonly target?: string;
  declare readonly value?: bigint;

  constructor(code: C, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = -ERROR_TABLE[code][1];
    this.action = ERROR_TABLE[code][2];
    this.applied = details.applied ?? "no";
    if (details.path !== undefined) this.path = details.path;
    if (details.target !== undefined) this.target = details.target;
    if (details.value !== undefined) this.value = details.value;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for a DiDAFS error, of one of `codes` when any are given. By brand, so it survives two copies of the package. */
export function isDidafsError<C extends ErrorCode>(error: unknown, ...codes: C[]): error is DidafsError<C> {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return codes.length === 0 || codes.includes((error as unknown as DidafsError<C>).code);
}

/** The error of one part says nothing about the others, which may have been applied. */
export function partlyApplied<E>(error: E): E | DidafsError {
  if (!isDidafsError(error) || error.applied !== "no") return error;
  const { code, message, path, target } = error;
  return new DidafsError(code, message, { applied: "unknown", path, target, cause: error });
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, code);
}

/** The number that stands for `code` in an answer header; 0 means success and stands for no code. */
export function statusOf(code: ErrorCode): number {
  return ERROR_TABLE[code][0];
}

const CODES = new Map<number, ErrorCode>(
  Object.entries(ERROR_TABLE).map(([code, row]) => [row[0], code as ErrorCode]),
);

/** The code that `status` stands for; ERR_PROTOCOL for a number that no code has. */
export function codeOf(status: number): ErrorCode {
  return CODES.get(status) ?? "ERR_PROTOCOL";
}
