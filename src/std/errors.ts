/**
 * The one table of error codes. `status` is the number that travels in answers: numbers are never reused,
 * retired codes stay. `action` tells a program what to do: try again, report to a person, or stop using the object.
 */
const TABLE = {
  // Names and files (POSIX names)
  ENOENT: [1, "report"],
  EEXIST: [2, "report"],
  ENOTDIR: [3, "report"],
  EISDIR: [4, "report"],
  ENOTEMPTY: [5, "report"],
  EACCES: [6, "report"],
  ELOOP: [7, "report"],
  ENAMETOOLONG: [8, "report"],
  EINVAL: [9, "report"],
  // Calls
  ERR_INVALID_ARGUMENT: [20, "report"],
  ERR_TIMEOUT: [21, "retry"],
  ERR_ABORTED: [22, "report"],
  ERR_CLOSED: [23, "stop"],
  ERR_NOT_SUPPORTED: [24, "report"],
  ERR_INTERNAL: [25, "report"],
  // Accesses
  ERR_RANGE: [40, "report"],
  ERR_ALIGNMENT: [41, "report"],
  ERR_UNSAFE_INTEGER: [42, "report"],
  ERR_RIGHTS: [43, "report"],
  ERR_BAD_HANDLE: [44, "stop"],
  ERR_NOT_DIRECT: [45, "report"],
  ERR_NOT_CONTIGUOUS: [46, "report"],
  ERR_SHARING_CONFLICT: [47, "retry"],
  // Sessions and the wire
  ERR_SESSION_LOST: [60, "stop"],
  ERR_PROTOCOL: [61, "stop"],
  ERR_VERSION: [62, "stop"],
  ERR_AUTH: [63, "stop"],
  ERR_UNREACHABLE: [64, "retry"],
  ERR_TOO_MANY: [65, "retry"],
  // Drives and regions
  ERR_NO_SPACE: [80, "report"],
  ERR_NOT_DURABLE: [81, "report"],
  ERR_IO: [82, "stop"],
  ERR_DATA_LOST: [83, "stop"],
  ERR_CORRUPT: [84, "stop"],
  ERR_NO_TARGET: [85, "retry"],
  // Running a cluster
  ERR_ALREADY_RUNNING: [100, "report"],
  ERR_NOT_RUNNING: [101, "report"],
  ERR_PORT_IN_USE: [102, "report"],
  ERR_NO_KEY: [103, "report"],
  ERR_PLATFORM: [104, "stop"],
  ERR_START_FAILED: [105, "report"],
} as const satisfies Record<string, readonly [status: number, action: ErrorAction]>;

export type ErrorCode = keyof typeof TABLE;
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
  readonly action: ErrorAction;
  readonly applied: Applied;
  declare readonly path?: string;
  declare readonly target?: string;
  declare readonly value?: bigint;

  constructor(code: C, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.action = TABLE[code][1];
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

/** The number that stands for `code` in an answer header; 0 means success and stands for no code. */
export function statusOf(code: ErrorCode): number {
  return TABLE[code][0];
}

const CODES = new Map<number, ErrorCode>(
  Object.entries(TABLE).map(([code, row]) => [row[0], code as ErrorCode]),
);

/** The code that `status` stands for; ERR_PROTOCOL for a number that no code has. */
export function codeOf(status: number): ErrorCode {
  return CODES.get(status) ?? "ERR_PROTOCOL";
}
