import path from "node:path";
import type {
  CallOptions,
  Cluster,
  DidafsFile,
  DidafsWindow,
  Durability,
  FollowOptions,
  OpenOptions,
  WindowOptions,
} from "../../client/api.ts";
import { Draft, draftPath, throughLinks } from "../../client/draft.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { systemRandom } from "../../system/random.ts";
import { showClusterPath } from "../cluster-path.ts";
import type { Entry, Kept, NewFile, Sink, Source, Tree } from "./ends.ts";

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
    const draft = draftPath(name, systemRandom);
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
  { sync, kept, size, ...layout }: MakeOptions & NewFile,
  call: CallOptions,
): Promise<Sink> {
  // What lies behind a symbolic link is replaced, not the link.
  const name = await throughLinks(cluster, named, call);
  const draft = await Draft.make(cluster, name, { ...call, ...layout, size: size ?? 0 }, systemRandom);
  const { file } = draft;
  const durability = sync && file.layout.regions.every(({ drive }) => drive === "file") ? "stable" : "memory";
  try {
    const bytes = await (size === undefined ? appended : placed)(file, durability, call);
    return {
      ...bytes,
      commit: async () => {
        await bytes.finish();
        if (kept !== undefined) {
          await keep(cluster, draft.path, kept, false, { timeoutMs: call.timeoutMs });
        }
        await draft.commit();
      },
      discard: async () => {
        await bytes.giveUp();
        await draft.discard();
      },
    };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** How the bytes of a new file are written. */
interface Writing extends Pick<Sink, "inOrder" | "write" | "read"> {
  finish(): Promise<void>;
  giveUp(): Promise<void>;
}

/** Of a file that has its length already: each chunk to its place. */
async function placed(file: DidafsFile, durability: Durability, call: CallOptions): Promise<Writing> {
  const window = file.size === 0 ? undefined : await file.window({ ...call, rights: "rw" });
  return {
    inOrder: false,
    write: async (at, from) => void (await window?.put(at, from, call)),
    read: async (at, into) => void (await window?.get(at, into, call)),
    finish: async () => await window?.flush(durability, call),
    giveUp: async () => {},
  };
}

/** Of a file that becomes as long as what is written to it. */
async function appended(file: DidafsFile, durability: Durability, call: CallOptions): Promise<Writing> {
  const writer = file.writable({ ...call, grow: true, durability }).getWriter();
  // Whoever writes, or finishes, hears of it.
  writer.closed.catch(() => {});
  let ended: Promise<void> | undefined;
  const finish = (): Promise<void> => {
    // A stream that has failed already refuses to be closed, and does not say why.
    ended ??= writer.close().catch(async () => void (await writer.closed));
    return ended;
  };
  let reading: Promise<DidafsWindow> | undefined;
  return {
    inOrder: true,
    write: (_, from) => writer.write(from),
    read: async (at, into) => {
      reading ??= finish().then(() => file.window(call));
      await (await reading).get(at, into, call);
    },
    finish,
    giveUp: () => writer.abort().catch(() => {}),
  };
}
