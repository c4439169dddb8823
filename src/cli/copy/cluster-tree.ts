import { randomBytes } from "node:crypto";
import path from "node:path";
import type { CallOptions, Cluster, OpenOptions, WindowOptions } from "../../client/api.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { showClusterPath } from "../cluster-path.ts";
import type { Child, Entry, Sink, Source, Tree } from "./ends.ts";

/** Longest time to take back a half-made file after a failure or Ctrl-C. */
const DISCARD_MS = 5_000;

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
    stat: (file) => statIfThere(cluster, file, call),
    list: (directory) => list(cluster, directory, call),
    makeDirectory: (directory) => cluster.mkdir(directory, { ...call, recursive: true }),
    openSource: (file) => openSource(cluster, file, call),
    openSink: (file, size, mode) => openSink(cluster, file, { ...make, size, mode }, call),
  };
}

async function statIfThere(cluster: Cluster, file: string, call: CallOptions): Promise<Entry | undefined> {
  try {
    return await cluster.stat(file, call);
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function* list(cluster: Cluster, directory: string, call: CallOptions): AsyncIterable<Child> {
  for await (const { name } of cluster.readdir(directory, call)) yield { name, link: false };
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
    const { size: whole, mode } = await file.stat(call);
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
  name: string,
  { sync, size, ...layout }: MakeOptions & { size: number; mode: number },
  call: CallOptions,
): Promise<Sink> {
  const draft = path.posix.join(path.posix.dirname(name), `.didafs-${randomBytes(8).toString("hex")}.part`);
  // Not the caller's signal: what is half-made is taken back after Ctrl-C too. And not while the file is being made:
  // a call that is given up may still take effect after it was taken back.
  const takeBack = (): Promise<void> => cluster.remove(draft, { timeoutMs: DISCARD_MS });
  const patient = { timeoutMs: call.timeoutMs };
  const options = { ...patient, ...layout, size, create: "exclusive" } as const;
  const file = await cluster.open(draft, options).catch(async (error: unknown) => {
    if (!isDidafsError(error)) throw error;
    const { code, message, applied } = error;
    if (applied !== "no") await takeBack().catch(() => {});
    // Whoever hears of it knows the file by its name to be.
    throw new DidafsError(code, message.replace(draft, name), { applied, cause: error });
  });
  try {
    const window = size === 0 ? undefined : await file.window({ ...call, rights: "rw" });
    const durable = sync && file.layout.regions.every(({ drive }) => drive === "file");
    return {
      inOrder: false,
      write: async (at, from) => void (await window?.put(at, from, call)),
      read: async (at, into) => void (await window?.get(at, into, call)),
      commit: async () => {
        await window?.flush(durable ? "stable" : "memory", call);
        await file.close();
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
