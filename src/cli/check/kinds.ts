import type { Problem } from "../../wire/control.ts";

export type Severity = "error" | "warning";

interface Kind {
  /** `error`: something cannot be used or is lost, or the next change may lose it. */
  readonly severity: Severity;
  readonly meaning: string;
  /** What `--repair` does; undefined where nobody can. */
  readonly repair?: string;
  /** What a person can do where `--repair` cannot. */
  readonly wayOut?: string;
}

const LOST = "copy the file again from its source, or remove it";

/** What can be wrong in a cluster: the one table, of which docs/operating.md holds a copy. */
export const KINDS: Readonly<Record<Problem["kind"], Kind>> = {
  "orphan-region": {
    severity: "warning",
    meaning: "a region that no file has takes room",
    repair: "remove the region and its bytes",
  },
  "misplaced-region": {
    severity: "warning",
    meaning: "a region lies on a target where its file has none",
    repair: "remove it where the right one is there; else it stays",
  },
  "missing-region": {
    severity: "error",
    meaning: "a file's region is gone, and its bytes are lost",
    wayOut: LOST,
  },
  "short-region": {
    severity: "error",
    meaning: "a region is shorter than its file, and the bytes behind its end are lost",
    wayOut: LOST,
  },
  "long-region": {
    severity: "warning",
    meaning: "a region is longer than its file may be",
    repair: "cut the region to its file's length",
  },
  "unusable-region": {
    severity: "error",
    meaning: "a region's header is damaged, or of a newer version",
    wayOut: LOST,
  },
  "dangling-entry": {
    severity: "error",
    meaning: "a name leads to an inode that is not there",
    repair: "remove the name",
  },
  "wrong-type-entry": {
    severity: "error",
    meaning: "a name says another type than its inode",
    repair: "let the name say the inode's type",
  },
  "stray-entry": {
    severity: "error",
    meaning: "a name lies in a directory that is not there",
    repair: "name its inode /lost+found/<inode>",
  },
  "second-entry": {
    severity: "error",
    meaning: "a directory lies in two places",
    repair: "remove this name, and keep the other one",
  },
  "nameless-inode": {
    severity: "error",
    meaning: "an inode has no name, and nothing says that it is to go",
    repair: "name it /lost+found/<inode>",
  },
  "wrong-nlink": {
    severity: "error",
    meaning: "an inode says another number of names than it has",
    repair: "write the number that was counted",
  },
  "directory-loop": {
    severity: "error",
    meaning: "directories lie in each other, and no way leads to them",
    repair: "take the first out of the last, and name it /lost+found/<inode>",
  },
  "silent-link": {
    severity: "error",
    meaning: "a symbolic link says nothing",
    wayOut: "remove it, and make it again",
  },
  "stray-record": {
    severity: "warning",
    meaning: "a record is about an inode that does not need it",
    repair: "remove the record",
  },
  "damaged-record": {
    severity: "error",
    meaning: "a record cannot be read",
    repair: "remove it where it is a name, whose inode then has none; else it stays",
    wayOut: "restore the metadata from a copy",
  },
  "low-inode-number": {
    severity: "error",
    meaning: "numbers that are in use would be given out again",
    repair: "go on behind the highest number",
  },
  "wrong-inode-count": {
    severity: "warning",
    meaning: "the number of inodes that is kept is wrong",
    repair: "write the number that was counted",
  },
};

/** The table as it stands in the documentation. */
export function kindTable(): string {
  const rows = Object.entries(KINDS).map(
    ([kind, { severity, meaning, repair = "nothing", wayOut }]) =>
      `| \`${kind}\` | ${severity} | ${meaning} | ${wayOut === undefined ? repair : `${repair}; ${wayOut}`} |`,
  );
  return ["| what | severity | meaning | what `--repair` does |", "|---|---|---|---|", ...rows].join("\n");
}
