import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { Params, Result } from "../wire/control.ts";
import type { Entry } from "./entry-record.ts";
import { statOf } from "./inode-record.ts";
import { DIRECTORY_MODE_DEFAULT, type Making, newInode } from "./new-inode.ts";
import { checkName, parsePath, pathError } from "./path.ts";
import { inodeOf } from "./subject.ts";
import { addEntry, addInode, findInode, getInode, listEntries } from "./tables.ts";
import { locate, locateEntry } from "./walk.ts";

/** Looking at names, and making directories: bodies of reads and transactions. What else changes names is beside. */

const PAGE_ENTRIES_MAX = 1000;
/** Of JSON; well below what a message carries. */
const PAGE_BYTES_MAX = 512 * 1024;
const ENTRY_JSON_BYTES = 32;

/** @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function stat(reader: KvReader, params: Params<"meta.stat">): Result<"meta.stat"> {
  const inode = inodeOf(reader, params);
  return statOf(inode, getInode(reader, inode));
}

/**
 * One page of a directory. A directory that was removed between two pages has no more entries (as in POSIX's readdir).
 * @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function readdir(
  reader: KvReader,
  { directory, after }: Params<"meta.readdir">,
): Result<"meta.readdir"> {
  const about = "path" in directory ? directory.path : `directory ${directory.inode}`;
  if (after !== undefined) checkName(after, about);
  const inode =
    "path" in directory ? locateEntry(reader, parsePath(directory.path), true).inode : directory.inode;
  const type = findInode(reader, inode)?.type;
  if (type === undefined) return { inode, entries: [], more: false };
  if (type !== "directory") throw pathError("ENOTDIR", about, "not a directory");
  const found = listEntries(reader, inode, after, PAGE_ENTRIES_MAX + 1);
  const entries: Result<"meta.readdir">["entries"] = [];
  let bytes = 0;
  for (const { name, entry } of found.slice(0, PAGE_ENTRIES_MAX)) {
    bytes += Buffer.byteLength(JSON.stringify(name)) + ENTRY_JSON_BYTES;
    if (bytes > PAGE_BYTES_MAX) break;
    entries.push({ name, type: entry.type });
  }
  return { inode, entries, more: entries.length < found.length };
}

/**
 * Makes a directory under the number `inode`.
 * @throws EEXIST, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function mkdir(
  transaction: KvTransaction,
  path: string,
  mode: number | undefined,
  inode: number,
  making: Making,
): void {
  const { parent, name, entry } = locate(transaction, parsePath(path), "name");
  if (entry !== undefined || name === undefined) throw pathError("EEXIST", path, "exists already");
  makeDirectory(transaction, parent, name, mode, inode, making);
}

/**
 * Makes a directory and those above it that are missing; one that exists is no error. `mode` is that of the last.
 * @param inodes unused numbers, as many as directories are missing (locateBeyond) or more
 * @throws EEXIST (the path is no directory), ENOTDIR (a part of it is none), ELOOP, EINVAL, ENAMETOOLONG; ENOENT when
 * directories went away since they were counted
 */
export function mkdirAll(
  transaction: KvTransaction,
  path: string,
  mode: number | undefined,
  inodes: readonly number[],
  making: Making,
): void {
  const parsed = parsePath(path);
  const unused = inodes.values();
  const makeMissing = directoryMaker(transaction, path, unused, making);
  const { parent, name, entry } = locate(transaction, parsed, "name", makeMissing);
  if (name !== undefined && entry === undefined) {
    makeDirectory(transaction, parent, name, mode, nextOf(unused, path), making);
  } else if (entry?.type === "file" || (entry?.type === "symlink" && !leadsToDirectory(transaction, path))) {
    throw pathError("EEXIST", path, "exists already and is no directory");
  }
}

function leadsToDirectory(reader: KvReader, path: string): boolean {
  return locate(reader, parsePath(path), "follow").entry?.type === "directory";
}

/** Makes what a walk misses on its way, under the numbers that are left in `unused`. */
export function directoryMaker(
  transaction: KvTransaction,
  path: string,
  unused: Iterator<number, unknown>,
  making: Making,
): (parent: number, name: string) => Entry {
  return (parent, name) => {
    return makeDirectory(transaction, parent, name, undefined, nextOf(unused, path), making);
  };
}

function nextOf(unused: Iterator<number, unknown>, path: string): number {
  const next = unused.next();
  if (next.done === true) throw pathError("ENOENT", path, "a directory on the way was removed just now");
  return next.value;
}

function makeDirectory(
  transaction: KvTransaction,
  parent: number,
  name: string,
  mode: number | undefined,
  inode: number,
  making: Making,
): Entry {
  const entry: Entry = { inode, type: "directory" };
  const record = newInode(getInode(transaction, parent), "directory", mode ?? DIRECTORY_MODE_DEFAULT, making);
  addInode(transaction, inode, record);
  addEntry(transaction, parent, name, entry, making.wallMs);
  return entry;
}
