interface ExitRow {
  readonly exit: number;
  readonly meaning: string;
  /** Error codes that end a command this way: ours, and the machine's for local files. */
  readonly codes: readonly string[];
  /** What a person can do about it. */
  readonly next: string;
}

/** How a command ends that looked for problems, and answered that there are some. */
export const PROBLEMS_FOUND = 21;

/** How `check` ends when something is wrong, or still is; and when nothing is, as far as it could look. */
export const FINDINGS_LEFT = 22;
export const NOT_ALL_CHECKED = 23;

/** How a command can end: the one table, of which docs/operating.md holds a copy. */
export const EXIT_CODES: readonly ExitRow[] = [
  { exit: 0, meaning: "done", codes: [], next: "" },
  {
    exit: 1,
    meaning: "any other failure",
    codes: [],
    next: "see the cluster's logs in its data directory; DIDAFS_DEBUG=1 shows where it happened",
  },
  {
    exit: 2,
    meaning: "wrong usage",
    codes: ["ERR_INVALID_ARGUMENT", "EINVAL", "ENAMETOOLONG"],
    next: "see `didafs help <command>`",
  },
  {
    exit: 3,
    meaning: "no cluster answers, or the connection was lost",
    codes: ["ERR_UNREACHABLE", "ERR_SESSION_LOST", "ERR_PROTOCOL"],
    next: "`didafs doctor` looks for the cause; start a cluster with `didafs up`, or name another with --url or DIDAFS_URL",
  },
  {
    exit: 4,
    meaning: "the data directory is already served",
    codes: ["ERR_ALREADY_RUNNING"],
    next: "use that cluster, stop it with `didafs down`, or choose another directory with --data",
  },
  {
    exit: 5,
    meaning: "the port is in use",
    codes: ["ERR_PORT_IN_USE"],
    next: "choose another with --port, or --port 0 for any free one",
  },
  {
    exit: 6,
    meaning: "no cluster runs on the data directory",
    codes: ["ERR_NOT_RUNNING"],
    next: "start one with `didafs up`, or name its directory with --data",
  },
  {
    exit: 7,
    meaning: "no usable key, or the cluster has another one",
    codes: ["ERR_NO_KEY", "ERR_AUTH"],
    next: "give the key of the cluster's owner with --key-file or DIDAFS_KEY_FILE",
  },
  {
    exit: 8,
    meaning: "no such file, directory or attribute",
    codes: ["ENOENT", "ENODATA"],
    next: "check the name; `didafs ls` shows what the cluster holds",
  },
  {
    exit: 9,
    meaning: "it exists already",
    codes: ["EEXIST"],
    next: "choose another name, or remove what is there",
  },
  {
    exit: 10,
    meaning: "no space left",
    codes: ["ERR_NO_SPACE", "ENOSPC", "EDQUOT"],
    next: "remove files, or give the drive more room; `didafs status` shows what is free",
  },
  {
    exit: 11,
    meaning: "it took too long",
    codes: ["ERR_TIMEOUT"],
    next: "see `didafs status` and the cluster's logs, or allow more with --timeout",
  },
  {
    exit: 12,
    meaning: "bytes differ, are damaged or lost, or a drive failed",
    codes: ["ERR_CORRUPT", "ERR_DATA_LOST", "ERR_IO", "EIO"],
    next: "copy again from the source; the cluster's logs say what was lost",
  },
  {
    exit: 13,
    meaning: "not permitted",
    codes: ["EACCES", "EPERM", "EROFS", "ERR_RIGHTS", "ERR_REVOKED", "ERR_EXPIRED", "ERR_CAPABILITY"],
    next: "check the owner and mode; where access was taken back, open the file again",
  },
  {
    exit: 14,
    meaning: "a directory where a file is needed, or the reverse",
    codes: ["ENOTDIR", "EISDIR", "ENOTEMPTY", "ELOOP"],
    next: "see what is there with `didafs ls -l`; directories need -r",
  },
  {
    exit: 15,
    meaning: "the cluster did not start",
    codes: ["ERR_START_FAILED"],
    next: "see the logs in the data directory",
  },
  {
    exit: 16,
    meaning: "not supported here",
    codes: ["ERR_PLATFORM", "ERR_NOT_SUPPORTED", "ERR_VERSION", "ERR_NOT_DIRECT", "ERR_NOT_DURABLE"],
    next: "Linux on x86-64 or arm64 is needed, and the same version on both sides; see `didafs doctor`",
  },
  {
    exit: 17,
    meaning: "too few targets are up",
    codes: ["ERR_NO_TARGET"],
    next: "see `didafs status`, or ask for fewer with --targets",
  },
  {
    exit: 18,
    meaning: "a limit is reached",
    codes: ["ERR_TOO_MANY", "EMLINK", "EMFILE", "ENFILE"],
    next: "close what is not needed; `didafs doctor` shows the limits of this machine",
  },
  {
    exit: 19,
    meaning: "the file is in use in another way",
    codes: ["ERR_SHARING_CONFLICT", "EBUSY"],
    next: "wait until the programs that have it open in that way close it",
  },
  {
    exit: 20,
    meaning: "beyond the end of the file",
    codes: ["ERR_RANGE"],
    next: "see its size with `didafs stat`",
  },
  { exit: PROBLEMS_FOUND, meaning: "`doctor` found a problem", codes: [], next: "" },
  {
    exit: FINDINGS_LEFT,
    meaning: "`check` found something, or could not repair all of it",
    codes: [],
    next: "",
  },
  {
    exit: NOT_ALL_CHECKED,
    meaning: "`check` found nothing, but could not look at everything",
    codes: [],
    next: "",
  },
  { exit: 130, meaning: "interrupted", codes: ["ERR_ABORTED"], next: "" },
  { exit: 141, meaning: "nobody reads the output any more", codes: ["EPIPE"], next: "" },
];

/** Codes whose way out is not that of the others with the same exit code. */
const NEXT: Readonly<Record<string, string>> = {
  ENODATA: "`didafs xattr list` shows which there are",
  ENOTDIR: "see what is there with `didafs ls -l`",
  ENOTEMPTY: "remove what is in it, or all of it with `didafs rm -r`",
  ELOOP: "links lead round in a circle, or are too many; `didafs readlink` shows what each says",
  ENAMETOOLONG: "choose a shorter name",
};

const BY_CODE = new Map(EXIT_CODES.flatMap((row) => row.codes.map((code) => [code, row] as const)));
const OTHER = EXIT_CODES[1] as ExitRow;

/** How a command ends that fails with `code`. */
export function exitRow(code: string): ExitRow {
  const row = BY_CODE.get(code) ?? OTHER;
  return Object.hasOwn(NEXT, code) ? { ...row, next: NEXT[code] as string } : row;
}

/** The table as it stands in the documentation. */
export function exitCodeTable(): string {
  const rows = EXIT_CODES.map(({ exit, meaning, codes }) => {
    const named = codes.map((code) => `\`${code}\``).join(", ");
    return `| ${exit} | ${meaning} | ${named} |`;
  });
  return ["| exit code | meaning | error codes |", "|---|---|---|", ...rows].join("\n");
}
