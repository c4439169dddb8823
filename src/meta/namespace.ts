import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { Result } from "../wire/control.ts";
import type { Inode } from "./inode-record.ts";
import { statOf } from "./inode-record.ts";
import { checkName, parsePath, pathError } from "./path.ts";
import { getInode, listEntries, putEntry, setInode } from "./tables.ts";
import { locate, locateEntry } from "./walk.ts";

/** Looking at names, and making directories: bodies of reads and transactions. Renaming and removing are beside. */

const PAGE_ENTRIES_MAX = 1000;
/** Of JSON; well below what a message carries. */
const PAGE_BYTES_MAX = 512 * 1024;
const ENTRY_JSON_BYTES = 32;

const DIRECTORY_MODE = 0o755;

/** @throws ENOENT, ENOTDIR, EINVAL, ENAMETOOLONG */
export function stat(reader: KvReader, path: string): Result<"meta.stat"> {
  const { inode } = locateEntry(reader, parsePath(path));
  return statOf(inode, getInode(reader, inode));
}

/** @throws ENOENT, ENOTDIR, EINVAL, ENAMETOOLONG */
export function readdir(reader: KvReader, path: string, after: string | undefined): Result<"meta.readdir"> {
  if (after !== undefined) checkName(after, path);
  const directory = locateEntry(reader, parsePath(path));
  if (directory.type !== "directory") throw pathError("ENOTDIR", path, "not a directory");
  const found = listEntries(reader, directory.inode, after, PAGE_ENTRIES_MAX + 1);
  const entries: Result<"meta.readdir">["entries"] = [];
  let bytes = 0;
  for (const { name, entry } of found.slice(0, PAGE_ENTRIES_MAX)) {
    bytes += Buffer.byteLength(JSON.stringify(name)) + ENTRY_JSON_BYTES;
    if (bytes > PAGE_BYTES_MAX) break;
    entries.push({ name, type: entry.type });
  }
  return { entries, more: entries.length < found.length };
}

export function directoryInode(wallMs: number): Inode {
  return { type: "directory", mode: DIRECTORY_MODE, size: 0, mtimeMs: wallMs, layout: undefined };
}

/**
 * Makes a directory under the number `inode`.
 * @throws EEXIST, ENOENT, ENOTDIR, EINVAL, ENAMETOOLONG
 */
export function mkdir(transaction: KvTransaction, path: string, inode: number, wallMs: number): void {
  const { parent, name, entry } = locate(transaction, parsePath(path));
  if (entry !== undefined || name === undefined) throw pathError("EEXIST", path, "exists already");
  setInode(transaction, inode, directoryInode(wallMs));
  putEntry(transaction, parent, name, { inode, type: "directory" }, wallMs);
}

/**
 * Makes a directory and those above it that are missing; one that exists is no error.
 * @param inodes as many unused numbers as the path has components
 * @throws EEXIST (the path is a file), ENOTDIR (a part of it is), EINVAL, ENAMETOOLONG
 */
export function mkdirAll(
  transaction: KvTransaction,
  path: string,
  inodes: readonly number[],
  wallMs: number,
): void {
  const { components } = parsePath(path);
  for (let depth = 1; depth <= components.length; depth++) {
    const text = `/${components.slice(0, depth).join("/")}`;
    const { entry, name } = locate(transaction, parsePath(text));
    if (name !== undefined && entry === undefined)
      mkdir(transaction, text, inodes[depth - 1] as number, wallMs);
    else if (entry?.type === "file" && depth === components.length) {
      throw pathError("EEXIST", path, "exists already and is no directory");
    }
  }
}
