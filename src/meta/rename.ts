import type { KvTransaction } from "../ports/kv.ts";
import type { Entry } from "./entry-record.ts";
import { inodeKey } from "./keys.ts";
import { parsePath, pathError } from "./path.ts";
import { discardFile, listEntries, putEntry } from "./tables.ts";
import { locate } from "./walk.ts";

/**
 * Gives what is at `from` the name `to`, by POSIX's rules: replaces a file by a file and an empty directory by a
 * directory; what has both names already stays as it is.
 * @returns targets that hold regions of the file that was replaced
 * @throws ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL (the root, a path that ends in `..`, into its own subtree),
 * ENAMETOOLONG; each with the path that it is about
 */
export function rename(transaction: KvTransaction, from: string, to: string, wallMs: number): string[] {
  const source = locate(transaction, parsePath(from));
  const toPath = parsePath(to);
  const destination = locate(transaction, toPath);
  const { entry } = source;
  if (entry === undefined) throw pathError("ENOENT", from, "no such file or directory");
  if (source.name === undefined) throw pathError("EINVAL", from, "cannot be renamed");
  if (destination.name === undefined) throw pathError("EINVAL", to, "cannot be replaced");
  if (entry.type === "file" && toPath.wantsDirectory) throw pathError("ENOTDIR", to, "not a directory");
  if (destination.entry?.inode === entry.inode) return [];
  if (destination.parents.includes(entry.inode)) {
    throw pathError("EINVAL", to, `lies inside of ${from}, which was to be renamed`);
  }
  const replaced = destination.entry === undefined ? [] : replace(transaction, entry, destination.entry, to);
  putEntry(transaction, source.parent, source.name, undefined, wallMs);
  putEntry(transaction, destination.parent, destination.name, entry, wallMs);
  return replaced;
}

function replace(transaction: KvTransaction, by: Entry, entry: Entry, path: string): string[] {
  if (by.type === "file") {
    if (entry.type === "directory") throw pathError("EISDIR", path, "is a directory");
    return discardFile(transaction, entry.inode);
  }
  if (entry.type === "file") throw pathError("ENOTDIR", path, "not a directory");
  if (listEntries(transaction, entry.inode, undefined, 1).length > 0) {
    throw pathError("ENOTEMPTY", path, "directory not empty");
  }
  transaction.delete(inodeKey(entry.inode));
  return [];
}
