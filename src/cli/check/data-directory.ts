import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { defaultDataDirectory } from "../../runtime/paths.ts";
import { readRunRecord } from "../../runtime/run-file.ts";
import { readShape } from "../../runtime/shape.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import type { Severity } from "./kinds.ts";

/** Something that is wrong with a file beside the data. */
export interface FileFinding {
  readonly kind: "open-to-others" | "foreign-file" | "leftover-draft" | "wrong-identity";
  readonly severity: Severity;
  readonly path: string;
  readonly meaning: string;
  /** What `repair` does, and how it is done; missing where nobody but a person should. */
  readonly repairText?: string;
  readonly repair?: () => void;
}

const OTHERS = 0o077;
const TARGET_NAME = /^target-\d+$/;
const REGION_NAME = /^(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,9})$/;
/** A worker's log of epochs (target/epoch-logs.ts). */
const LOG_NAME = /^epochs\.(0|[1-9]\d{0,3})$/;
/** Written beside its place, then renamed: one that is old belongs to nobody who still writes. */
const DRAFT_NAME = /(\.json\.new|^service-key\.\d+\.[0-9a-f]{12})$/;
const DRAFT_AGE_MS = 60_000;

const Identity = v.object({ id: v.string(), cluster: v.string() });

/**
 * The data directory that a cluster is served from, if it is on this machine.
 * @param data as `--data` says
 * @throws ERR_INVALID_ARGUMENT where that is named and is another cluster's
 */
export function dataDirectoryOf(
  cluster: { readonly id: string; readonly url: string },
  data: string | undefined,
): string | undefined {
  const dir = data === undefined ? defaultDataDirectory() : path.resolve(data);
  const record = readRunRecord(dir);
  if (record?.url === cluster.url || shapeOf(dir)?.id === cluster.id) return dir;
  if (data === undefined) return undefined;
  throw new DidafsError(
    "ERR_INVALID_ARGUMENT",
    `${dir} is not the data directory of the cluster at ${cluster.url}`,
  );
}

/** Looks at what lies beside the data. */
export function lookAtFiles(dir: string, clusterId: string, wallMs: number): FileFinding[] {
  const found: FileFinding[] = [];
  const shape = shapeOf(dir);
  if (shape?.id !== clusterId) {
    const says = shape === undefined ? "cannot be read" : `names cluster ${shape.id}`;
    found.push(identity(path.join(dir, "cluster.json"), `${says}; the one that is served is ${clusterId}`));
  }
  found.push(...loose(dir));
  const names = readdirSync(dir);
  const targets = names.filter((name) => TARGET_NAME.test(name));
  if (shape !== undefined && targets.length !== shape.targets) {
    const message = `says ${shape.targets} targets, and there are ${targets.length} folders of targets`;
    found.push(identity(path.join(dir, "cluster.json"), message));
  }
  for (const name of names) found.push(...own(path.join(dir, name), wallMs));
  for (const folder of ["meta", "logs"]) {
    for (const name of list(path.join(dir, folder))) found.push(...own(path.join(dir, folder, name), wallMs));
  }
  for (const target of targets) found.push(...inTarget(path.join(dir, target), clusterId, wallMs));
  return found;
}

function inTarget(dir: string, clusterId: string, wallMs: number): FileFinding[] {
  const found = readdirSync(dir).flatMap((name) => own(path.join(dir, name), wallMs));
  const file = path.join(dir, "target.json");
  const recorded = v.safeParse(Identity, jsonOf(file));
  if (!recorded.success) found.push(identity(file, "cannot be read"));
  else if (recorded.output.cluster !== clusterId) {
    found.push(
      identity(file, `names cluster ${recorded.output.cluster}; the one that is served is ${clusterId}`),
    );
  }
  const isOurs = (name: string): boolean => REGION_NAME.test(name) || LOG_NAME.test(name);
  found.push(...foreign(path.join(dir, "regions"), isOurs, "is neither a region nor a log"));
  // Where regions lie in memory.
  found.push(...foreign(path.join(dir, "logs"), (name) => LOG_NAME.test(name), "is no log"));
  return found;
}

function foreign(dir: string, isOurs: (name: string) => boolean, meaning: string): FileFinding[] {
  return list(dir)
    .filter((name) => !isOurs(name))
    .map((name) => ({
      kind: "foreign-file",
      severity: "warning",
      path: path.join(dir, name),
      meaning: `${meaning}, and nobody uses it`,
    }));
}

/** A file or folder of ours: closed to others, and no draft of a program that is gone. */
function own(file: string, wallMs: number): FileFinding[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (DRAFT_NAME.test(path.basename(file)) && wallMs - stat.mtimeMs > DRAFT_AGE_MS) {
    return [
      {
        kind: "leftover-draft",
        severity: "warning",
        path: file,
        meaning: "a write that was cut off has left it",
        repairText: "remove the file",
        repair: () => rmSync(file, { force: true }),
      },
    ];
  }
  return loose(file);
}

function loose(file: string): FileFinding[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & OTHERS) === 0) return [];
  return [
    {
      kind: "open-to-others",
      severity: "error",
      path: file,
      meaning: `is open to other users (mode 0${(mode & 0o777).toString(8)})`,
      repairText: "take their rights away (chmod go=)",
      repair: () => chmodSync(file, mode & 0o7700),
    },
  ];
}

function identity(file: string, meaning: string): FileFinding {
  return { kind: "wrong-identity", severity: "error", path: file, meaning };
}

function shapeOf(dir: string): ReturnType<typeof readShape> {
  try {
    return readShape(dir);
  } catch (error) {
    if (isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) return undefined;
    throw error;
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
