import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, type FileHandle, mkdir, open, opendir, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { DidafsError } from "../../std/errors.ts";
import type { Child, Entry, Sink, Source, Tree } from "./ends.ts";

/** The files of this machine. */
export const localTree: Tree = {
  kind: "local",
  join: path.join,
  show: (file) => file,
  stat: async (file) => entryOf(await statIfThere(file)),
  list,
  makeDirectory: async (directory) => void (await mkdir(directory, { recursive: true })),
  openSource: async (file) => sourceOf(await open(file, "r"), file),
  openSink,
};

async function* list(directory: string): AsyncIterable<Child> {
  for await (const entry of await opendir(directory))
    yield { name: entry.name, link: entry.isSymbolicLink() };
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function entryOf(stats: Stats | undefined): Entry | undefined {
  if (stats === undefined) return undefined;
  const type = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other";
  return { type, size: stats.size, mode: stats.mode & 0o777 };
}

/** The bytes of an open file, as many as it has now. Closes the file in the end. */
export async function sourceOf(handle: FileHandle, name: string): Promise<Source> {
  const { size, mode } = await handle.stat();
  return {
    size,
    mode: mode & 0o777,
    read: (at, into) => readWhole(handle, at, into, name),
    close: () => handle.close(),
  };
}

async function readWhole(handle: FileHandle, at: number, into: Uint8Array, name: string): Promise<void> {
  for (let done = 0; done < into.byteLength; ) {
    const { bytesRead } = await handle.read(into, done, into.byteLength - done, at + done);
    if (bytesRead === 0) throw new DidafsError("ERR_IO", `${name} became shorter while it was copied`);
    done += bytesRead;
  }
}

async function writeWhole(handle: FileHandle, at: number | null, from: Uint8Array): Promise<void> {
  for (let done = 0; done < from.byteLength; ) {
    const position = at === null ? null : at + done;
    done += (await handle.write(from, done, from.byteLength - done, position)).bytesWritten;
  }
}

async function openSink(named: string, _size: number, mode: number): Promise<Sink> {
  const existing = await statIfThere(named);
  if (existing?.isDirectory()) throw new DidafsError("EISDIR", `${named} is a directory`, { path: named });
  // What lies behind a symbolic link is replaced, not the link.
  const file = existing === undefined ? named : await realpath(named);
  if (existing !== undefined && !existing.isFile()) return deviceSink(file);
  const draft = path.join(path.dirname(file), `.didafs-${randomBytes(8).toString("hex")}.part`);
  const handle = await open(draft, "wx+", mode).catch((error) => {
    throw aboutFile(error, file);
  });
  return {
    inOrder: false,
    write: (at, from) => writeWhole(handle, at, from),
    read: (at, into) => readWhole(handle, at, into, draft),
    commit: async () => {
      await handle.close();
      if (existing !== undefined) await chmod(draft, existing.mode & 0o777);
      await rename(draft, file);
    },
    discard: async () => {
      await handle.close();
      await rm(draft, { force: true });
    },
  };
}

/** What kept a draft from being made, told of the file that it was for. */
function aboutFile(error: NodeJS.ErrnoException, file: string): Error {
  const directory = path.dirname(file);
  if (error.code !== "ENOENT") return Object.assign(error, { path: file });
  return new DidafsError("ENOENT", `there is no directory ${directory}`, { path: directory, cause: error });
}

/** A device or a pipe takes bytes as they come, and must not be replaced. */
async function deviceSink(file: string): Promise<Sink> {
  const handle = await open(file, constants.O_WRONLY);
  const close = (): Promise<void> => handle.close();
  return { inOrder: true, write: (_, from) => writeWhole(handle, null, from), commit: close, discard: close };
}
