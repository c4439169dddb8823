import { keyedNote } from "../../meta/audit.ts";
import { sectionOf } from "../../meta/keys.ts";
import type { Problem } from "../../wire/control.ts";
import { showClusterPath } from "../cluster-path.ts";
import { formatBytes } from "../format.ts";
import type { FileFinding } from "./data-directory.ts";
import { type Places, pathOf } from "./entries.ts";
import { KINDS, type Severity } from "./kinds.ts";
import type { Suspect } from "./source.ts";

/** A finding as people and programs get it. */
export interface Finding {
  readonly kind: string;
  readonly severity: Severity;
  /** What it is about. */
  readonly where: string;
  readonly meaning: string;
  readonly path?: string;
  readonly bytes?: number;
  readonly detail?: string;
  /** What `--repair` does about it; missing where it can do nothing. */
  readonly repair?: string;
  readonly wayOut?: string;
}

export interface Names {
  /** What people call targets, by identity. */
  readonly targets: ReadonlyMap<string, string>;
  readonly places: Places;
  /** Of inodes that are no directories. */
  readonly files: Places;
}

export function describeSuspect({ problem, bytes, written, detail }: Suspect, names: Names): Finding {
  const { severity, meaning, wayOut } = KINDS[problem.kind];
  const repair = isForPeople(problem) ? undefined : KINDS[problem.kind].repair;
  const path = pathOfProblem(problem, names);
  return {
    kind: problem.kind,
    severity,
    where: whereOf(problem, names, path, sizeOf(bytes, written)),
    meaning,
    ...(path === undefined ? {} : { path }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(detail === undefined ? {} : { detail }),
    ...(repair === undefined ? {} : { repair }),
    ...(wayOut === undefined ? {} : { wayOut }),
  };
}

export function describeFile({ kind, severity, path, meaning, repairText }: FileFinding): Finding {
  return {
    kind,
    severity,
    where: path,
    meaning,
    ...(repairText === undefined ? {} : { repair: repairText }),
  };
}

/** Of what cannot be read only names can go without loss. */
function isForPeople(problem: Problem): boolean {
  return problem.kind === "damaged-record" && sectionOf(Buffer.from(problem.key, "hex")) !== "entries";
}

/** The inode that a problem is about, if it is about one. */
export function inodeOf(problem: Problem): number | undefined {
  if ("inode" in problem) return problem.inode;
  if (problem.kind === "directory-loop") return problem.entries[0]?.inode;
  return "key" in problem ? keyedNote(Buffer.from(problem.key, "hex"))?.inode : undefined;
}

function pathOfProblem(problem: Problem, { places, files }: Names): string | undefined {
  if ("name" in problem) return pathOf(problem.inode, places, problem);
  const inode = inodeOf(problem);
  return inode === undefined ? undefined : pathOf(inode, places, files.get(inode));
}

function whereOf(problem: Problem, { targets }: Names, path: string | undefined, size: string): string {
  const of = path === undefined ? "" : ` of ${showClusterPath(path)}`;
  if ("target" in problem) {
    const { target, inode, index } = problem;
    return `region ${inode}.${index} on ${targets.get(target) ?? target}${of}${size}`;
  }
  if ("name" in problem) {
    const { directory, name, inode } = problem;
    const named = path === undefined ? `"${name}" in directory ${directory}` : showClusterPath(path);
    return `${named} (inode ${inode})`;
  }
  if (problem.kind === "directory-loop") {
    return problem.entries.map(({ inode, name }) => `"${name}" (inode ${inode})`).join(" > ");
  }
  if ("key" in problem) return `record ${problem.key}${of}`;
  if (problem.kind === "wrong-inode-count") return `${problem.inodes} inodes`;
  return path === undefined ? `inode ${problem.inode}` : `${showClusterPath(path)} (inode ${problem.inode})`;
}

function sizeOf(bytes: number | undefined, written: boolean | undefined): string {
  const parts = [
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(written === undefined ? [] : [written ? "written to" : "never written to"]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
