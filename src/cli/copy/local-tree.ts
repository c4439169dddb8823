import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import {
  chmod,
  chown,
  type FileHandle,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  opendir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
} from "node:fs/promises";
import path from "node:path";
import { bytesToText } from "../../std/byte-text.ts";
import { DidafsError } from "../../std/errors.ts";
import type { Entry, Kept, NewFile, Sink, Source, Tree } from "./ends.ts";
import { machinePath } from "./local-path.ts";

const SET_ID_BITS = 0o6000;

/** The files of this machine. */
export const localTree: Tree = {
  kind: "local",
  join: path.join,
  show: (file) => file,
  stat: async (file, follow) => entryOf(await statIfThere(file, follow)),
  list,
  makeDirectory: async (directory, mode) => {
    // One that is made must let its maker write into it.
    await mkdir(machinePath(directory), { recursive: true, mode: mode | 0o700 });
  },
  readLink: async (file) => bytesToText(await readlink(machinePath(file), { encoding: "buffer" })),
  makeLink: (target, file) => inPlaceOf(file, (name) => symlink(machinePath(target), machinePath(name))),
  addName: (existing, file) => inPlaceOf(file, (name) => link(machinePath(existing), machinePath(name))),
  keep,
  openSource: async (file) => sourceOf(await open(machinePath(file), "r"), file),
  openSink,
};

async function* list(directory: string): AsyncIterable<string> {
  // Latin-1 has a character for each byte, whatever the name is.
  for await (const { name } of await opendir(machinePath(directory), { encoding: "latin1" })) {
    yield bytesToText(Buffer.from(name, "latin1"));
  }
}

async function statIfThere(file: string, follow: boolean): Promise<Stats | undefined> {
  try {
    return await (follow ? stat : lstat)(machinePath(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function entryOf(stats: Stats | undefined): Entry | undefined {
  if (stats === undefined) return undefined;
  const { size, dev, ino, nlink } = stats;
  return { type: typeOf(stats), size, id: `${dev}:${ino}`, nlink, ...keptOf(stats) };
}

function typeOf(stats: Stats): Entry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "other";
}

function keptOf({ mode, uid, gid, atimeMs, mtimeMs }: Stats): Kept {
  return { mode: mode & 0o7777, uid, gid, atimeMs, mtimeMs };
}

async function keep(file: string, kept: Kept, isLink: boolean): Promise<void> {
  const [name, { uid, gid, atimeMs, mtimeMs }] = [machinePath(file), kept];
  const owned = await unlessForbidden((isLink ? lchown : chown)(name, uid, gid));
  if (!isLink) await chmod(name, keptMode(kept, owned));
  await (isLink ? lutimes : utimes)(name, atimeMs / 1000, mtimeMs / 1000);
}

async function keepOpen(handle: FileHandle, kept: Kept): Promise<void> {
  const owned = await unlessForbidden(handle.chown(kept.uid, kept.gid));
  await handle.chmod(keptMode(kept, owned));
  await handle.utimes(kept.atimeMs / 1000, kept.mtimeMs / 1000);
}

/** Set-id bits are for the owner that they were given by. */
function keptMode({ mode }: Kept, owned: boolean): number {
  return owned ? mode : mode & ~SET_ID_BITS;
}

/** @returns false where only the superuser may */
async function unlessForbidden(change: Promise<void>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPERM") return false;
    throw error;
  }
}

/** Makes a name, beside its place first when that is taken. */
async function inPlaceOf(file: string, make: (name: string) => Promise<void>): Promise<void> {
  try {
    await make(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const draft = draftOf(file);
    await make(draft);
    try {
      await rename(machinePath(draft), machinePath(file));
    } finally {
      // Still there when renaming failed, and when both were names of one file: then renaming does nothing.
      await rm(machinePath(draft), { force: true });
    }
  }
}

function draftOf(file: string): string {
  return path.join(path.dirname(file), `.didafs-${randomBytes(8).toString("hex")}.part`);
}

/** The bytes of an open file, as many as it has now. Closes the file in the end. */
export async function sourceOf(handle: FileHandle, name: string): Promise<Source> {
  const stats = await handle.stat();
  const { size, mode } = stats;
  return {
    size,
    mode: mode & 0o777,
    kept: keptOf(stats),
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

async function openSink(named: string, { mode, kept }: NewFile): Promise<Sink> {
  const existing = await statIfThere(named, true);
  if (existing?.isDirectory()) throw new DidafsError("EISDIR", `${named} is a directory`, { path: named });
  // What lies behind a symbolic link is replaced, not the link.
  const file = existing === undefined ? named : await realPath(named);
  if (existing !== undefined && !existing.isFile()) return deviceSink(file);
  const draft = draftOf(file);
  const handle = await open(machinePath(draft), "wx+", mode).catch((error) => {
    throw aboutFile(error, file);
  });
  return {
    inOrder: false,
    write: (at, from) => writeWhole(handle, at, from),
    read: (at, into) => readWhole(handle, at, into, draft),
    commit: async () => {
      if (kept !== undefined) await keepOpen(handle, kept);
      else if (existing !== undefined) await handle.chmod(existing.mode & 0o777);
      await handle.close();
      await rename(machinePath(draft), machinePath(file));
    },
    discard: async () => {
      await handle.close();
      await rm(machinePath(draft), { force: true });
    },
  };
}

async function realPath(file: string): Promise<string> {
  return bytesToText(await realpath(machinePath(file), { encoding: "buffer" }));
}

/** What kept a draft from being made, told of the file that it was for. */
function aboutFile(error: NodeJS.ErrnoException, file: string): Error {
  const directory = path.dirname(file);
  if (error.code !== "ENOENT") return Object.assign(error, { path: file });
  return new DidafsError("ENOENT", `there is no directory ${directory}`, { path: directory, cause: error });
}

/** A device or a pipe takes bytes as they come, and must not be replaced. */
async function deviceSink(file: string): Promise<Sink> {
  const handle = await open(machinePath(file), constants.O_WRONLY);
  const close = (): Promise<void> => handle.close();
  return { inOrder: true, write: (_, from) => writeWhole(handle, null, from), commit: close, discard: close };
}
