import type { CallOptions } from "../../client/api.ts";
import type { ClusterClient } from "../../client/cluster.ts";
import { isDidafsError } from "../../std/errors.ts";
import type { Result } from "../../wire/control.ts";
import { failureOf } from "../failure.ts";
import { type FileFinding, lookAtFiles } from "./data-directory.ts";
import { describeFile, describeSuspect, type Finding, inodeOf, type Names } from "./describe.ts";
import { namesOf, type Places } from "./entries.ts";
import { look } from "./look.ts";
import { Pages } from "./pages.ts";
import type { Suspect } from "./source.ts";

/** A finding, and how it is put right where that is possible. */
export interface Found {
  readonly finding: Finding;
  /** @returns why it was not done, if it was not */
  readonly repair: (() => Promise<string | undefined>) | undefined;
}

export interface Examined {
  readonly found: readonly Found[];
  readonly notChecked: readonly { readonly what: string; readonly why: string }[];
  readonly inodes: number;
}

/** What of a client is needed. */
export type Checked = Pick<ClusterClient, "id" | "status" | "call">;

export interface Wish {
  readonly cluster: Checked;
  readonly call: CallOptions;
  /** Only what is below this inode. */
  readonly below: number | undefined;
  /** The data directory, where it is here and is to be looked at. */
  readonly dir: string | undefined;
  /** Hears how many records a page had. */
  readonly onPage: (count: number) => void;
}

/** Looks at everything that the cluster has, and tells what is wrong with it. */
export async function examine({ cluster, call, below, dir, onPage }: Wish): Promise<Examined> {
  const { targets } = await cluster.status(call);
  const names = new Map(targets.map(({ id, name }) => [id, name]));
  const up = targets.filter(({ state }) => state === "up").map(({ id }) => id);
  const notChecked = targets
    .filter(({ state }) => state !== "up")
    .map(({ name }) => ({ what: name, why: "it is down" }));
  const pages = new Pages(cluster, call, onPage);
  const unreachable = new Map<string, string>();
  const verify = async ({ problem }: Suspect): Promise<boolean> => {
    try {
      const { state } = await cluster.call("meta.repair", { problem, apply: false }, call);
      return state === "found";
    } catch (error) {
      if (!("target" in problem) || isDidafsError(error, "ERR_ABORTED")) throw error;
      unreachable.set(problem.target, failureOf(error).message);
      return false;
    }
  };
  const looked = await look(pages, up, verify);
  for (const [target, why] of new Map([...pages.failed, ...unreachable])) {
    notChecked.push({ what: names.get(target) ?? target, why });
  }
  for (const id of looked.targets) {
    if (!names.has(id)) notChecked.push({ what: `target ${id}`, why: "no such target has registered" });
  }
  if (looked.unsettled > 0) {
    const why = "their names changed all the time";
    notChecked.push({ what: `names of ${looked.unsettled} inodes`, why });
  }
  const files = await namesOf(pages, inodesOf(looked.suspects, looked.places));
  const known: Names = { targets: names, places: looked.places, files };
  const suspects = looked.suspects.filter(
    ({ problem }) => below === undefined || isBelow(problem, below, known),
  );
  const found = suspects.map((suspect) => ({
    finding: describeSuspect(suspect, known),
    repair: repairOf(cluster, call, suspect),
  }));
  const local = dir === undefined ? [] : lookAtFiles(dir, cluster.id, Date.now()).map(foundFile);
  return { found: [...found, ...local], notChecked, inodes: looked.inodes };
}

function repairOf(cluster: Checked, call: CallOptions, { problem }: Suspect): Found["repair"] {
  return async () => {
    const { state, reason }: Result<"meta.repair"> = await cluster.call(
      "meta.repair",
      { problem, apply: true },
      call,
    );
    return state === "refused" ? (reason ?? "it was refused") : undefined;
  };
}

function foundFile(file: FileFinding): Found {
  const { repair } = file;
  if (repair === undefined) return { finding: describeFile(file), repair };
  return {
    finding: describeFile(file),
    repair: async () => {
      repair();
      return undefined;
    },
  };
}

/** Those whose names are not known yet. */
function inodesOf(suspects: readonly Suspect[], places: Places): Set<number> {
  const inodes = suspects.map(({ problem }) => inodeOf(problem));
  return new Set(inodes.filter((inode) => inode !== undefined && !places.has(inode)) as number[]);
}

function isBelow(problem: Suspect["problem"], base: number, { places, files }: Names): boolean {
  const inode = inodeOf(problem);
  if (inode === undefined) return false;
  const seen = new Set<number>();
  let at: number | undefined = inode;
  if (inode !== base && "directory" in problem) at = problem.directory;
  while (at !== undefined && at !== base && !seen.has(at)) {
    seen.add(at);
    at = (places.get(at) ?? files.get(at))?.directory;
  }
  return at === base;
}
