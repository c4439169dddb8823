import { randomBytes } from "node:crypto";
import path from "node:path";
import type { CallOptions, Cluster, FollowOptions, OpenOptions, WindowOptions } from "../../client/api.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { childPath, showClusterPath } from "../cluster-path.ts";
import type { Entry, Kept, NewFile, Sink, Source, Tree } from "./ends.ts";

/** Longest time to take back a half-made file after a failure or Ctrl-C. */
const DISCARD_MS = 5_000;
/** As many as the cluster follows itself. */
const LINKS_MAX = 40;

/** How files are made in the cluster. */
export interface MakeOptions extends Pick<OpenOptions, "targets" | "stripeUnit"> {
  /** Wait for power-safe bytes where the drives can give that. */
  readonly sync: boolean;
}

/** The files of a cluster. */
export function clusterTree(cluster: Cluster, call: CallOptions, make: MakeOptions): Tree {
  return {
    kind: "cluster",
    join: path.posix.join,
    show: showClusterPath,
    stat: (file, follow) => statIfThere(cluster, file, { ...call, follow }),
    list: (directory) => list(cluster, directory, call),
    makeDirectory: (directory, mode) => cluster.mkdir(directory, { ...call, recursive: true, mode }),
    readLink: (file) => cluster.readlink(file, call),
    makeLink: (target, file) => inPlaceOf(cluster, file, (name) => cluster.symlink(target, name, call), call),
    addName: (existing, file) => inPlaceOf(cluster, file, (name) => cluster.link(existing, name, call), call),
    keep: (file, kept, link) => keep(cluster, file, kept, link, call),
    openSource: (file) => openSource(cluster, file, call),
    openSink: (file, made) => openSink(cluster, file, { ...make, ...made }, call),
  };
}

async function statIfThere(
  cluster: Cluster,
  file: string,
  options: FollowOptions,
): Promise<Entry | undefined> {
  try {
    const { inode, ...stat } = await cluster.stat(file, options);
    return { ...stat, id: String(inode) };
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function* list(cluster: Cluster, directory: string, call: CallOptions): AsyncIterable<string> {
  for await (const { name } of cluster.readdir(directory, call)) yield name;
}

async function keep(
  cluster: Cluster,
  file: string,
  { mode, uid, gid, atimeMs, mtimeMs }: Kept,
  link: boolean,
  call: CallOptions,
): Promise<void> {
  const attributes = { uid, gid, atimeMs, mtimeMs, ...(link ? {} : { mode }) };
  await cluster.setAttributes(file, attributes, { ...call, follow: false });
}

/** Makes a name; where it is taken, beside its place first, so that the name always leads somewhere. */
export async function inPlaceOf(
  cluster: Cluster,
  name: string,
  make: (name: string) => Promise<void>,
  call: CallOptions,
): Promise<void> {
  try {
    await make(name);
  } catch (error) {
    if (!isDidafsError(error, "EEXIST")) throw error;
    const draft = draftOf(name);
    await make(draft);
    try {
      await cluster.rename(draft, name, call);
    } finally {
      // Still there when renaming failed, and when both were names of one file: then renaming does nothing.
      await cluster.remove(draft, { timeoutMs: DISCARD_MS }).catch((failure) => {
        if (!isDidafsError(failure, "ENOENT")) throw failure;
      });
    }
  }
}

function draftOf(name: string): string {
  return childPath(path.posix.dirname(name), `.didafs-${randomBytes(8).toString("hex")}.part`);
}

/** Where a path leads when it ends in symbolic links, be anything there or not. */
async function throughLinks(cluster: Cluster, name: string, call: CallOptions): Promise<string> {
  let at = name;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    const entry = await statIfThere(cluster, at, { ...call, follow: false });
    if (entry?.type !== "symlink") return at;
    const target = await cluster.readlink(at, call);
    // Not normalised: what `..` means is the cluster's to say.
    at = target.startsWith("/") ? target : childPath(path.posix.dirname(at), target);
  }
  throw new DidafsError("ELOOP", "too many symbolic links", { path: name });
}

/** @param range what to read of the file; default all of it @throws ERR_RANGE where it leaves the file */
export async function openSource(
  cluster: Cluster,
  name: string,
  call: CallOptions,
  range: Pick<WindowOptions, "at" | "length"> = {},
): Promise<Source> {
  const file = await cluster.open(name, call);
  try {
    const { size: whole, mode, uid, gid, atimeMs, mtimeMs } = await file.stat(call);
    const { at: from = 0, length: size = Math.max(whole - from, 0) } = range;
    if (from + size > whole) {
      const message = `${showClusterPath(name)} has ${whole} bytes: ${size} bytes at ${from} end behind it`;
      throw new DidafsError("ERR_RANGE", message, { path: name });
    }
    // A window of no bytes would say nothing.
    const window = size === 0 ? undefined : await file.window({ ...call, at: from, length: size });
    return {
      size,
      mode: mode & 0o777,
      kept: { mode, uid, gid, atimeMs, mtimeMs },
      read: async (at, into) => void (await window?.get(at, into, call)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openSink(
  cluster: Cluster,
  named: string,
  { sync, kept, ...layout }: MakeOptions & NewFile,
  call: CallOptions,
): Promise<Sink> {
  // What lies behind a symbolic link is replaced, not the link.
  const name = await throughLinks(cluster, named, call);
  const draft = draftOf(name);
  // Not the caller's signal: what is half-made is taken back after Ctrl-C too. And not while the file is being made:
  // a call that is given up may still take effect after it was taken back.
  const takeBack = (): Promise<void> => cluster.remove(draft, { timeoutMs: DISCARD_MS });
  const patient = { timeoutMs: call.timeoutMs };
  const options = { ...patient, ...layout, create: "exclusive" } as const;
  const file = await cluster.open(draft, options).catch(async (error: unknown) => {
    if (!isDidafsError(error)) throw error;
    const { code, message, applied } = error;
    if (applied !== "no") await takeBack().catch(() => {});
    // Whoever hears of it knows the file by its name to be.
    throw new DidafsError(code, message.replace(draft, name), { applied, cause: error });
  });
  try {
    const window = layout.size === 0 ? undefined : await file.window({ ...call, rights: "rw" });
    const durable = sync && file.layout.regions.every(({ drive }) => drive === "file");
    return {
      inOrder: false,
      write: async (at, from) => void (await window?.put(at, from, call)),
      read: async (at, into) => void (await window?.get(at, into, call)),
      commit: async () => {
        await window?.flush(durable ? "stable" : "memory", call);
        await file.close();
        if (kept !== undefined) await keep(cluster, draft, kept, false, patient);
        await cluster.rename(draft, name, patient);
      },
      discard: async () => {
        await file.close();
        await takeBack();
      },
    };
  } catch (error) {
    await file.close();
    await takeBack();
    throw error;
  }
}
