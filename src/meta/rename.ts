import type { KvTransaction } from "../ports/kv.ts";
import type { Entry } from "./entry-record.ts";
import { parsePath, pathError } from "./path.ts";
import { type Unlinking, unlink } from "./remove.ts";
import { addEntry, changeInode, dropEntry, dropInode, hasEntries } from "./tables.ts";
import { locate, type Place } from "./walk.ts";

/**
 * Gives what is at `from` the name `to`, by POSIX's rules: replaces what is no directory by what is none, and an empty
 * directory by a directory; where both are names of one file nothing changes. A symbolic link is moved or replaced itself.
 * @returns targets that hold regions of the file that was replaced
 * @throws ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, EINVAL (the root, a path that ends in `.` or `..`, into its own
 * subtree), ENAMETOOLONG; each with the path that it is about
 */
export function rename(transaction: KvTransaction, from: string, to: string, unlinking: Unlinking): string[] {
  const { wallMs } = unlinking;
  const source = locate(transaction, parsePath(from), "name");
  const destination = locate(transaction, parsePath(to), "name");
  const { entry } = source;
  if (entry === undefined) throw pathError("ENOENT", from, "no such file or directory");
  if (source.name === undefined) throw pathError("EINVAL", from, "cannot be renamed");
  if (destination.name === undefined) throw pathError("EINVAL", to, "cannot be replaced");
  if (entry.type !== "directory") {
    if (source.endsInSlash) throw pathError("ENOTDIR", from, "not a directory");
    if (destination.endsInSlash) throw pathError("ENOTDIR", to, "not a directory");
  }
  if (destination.entry?.inode === entry.inode) return [];
  if (destination.parents.includes(entry.inode)) {
    throw pathError("EINVAL", to, `lies inside of ${from}, which was to be renamed`);
  }
  const targets = replace(transaction, entry, destination, to, unlinking);
  dropEntry(transaction, source.parent, source.name, entry, wallMs);
  addEntry(transaction, destination.parent, destination.name, entry, wallMs);
  changeInode(transaction, entry.inode, {}, wallMs);
  return targets;
}

function replace(
  transaction: KvTransaction,
  by: Entry,
  place: Place,
  path: string,
  unlinking: Unlinking,
): string[] {
  const { parent, name, entry } = place;
  if (entry === undefined || name === undefined) return [];
  if (by.type !== "directory" && entry.type === "directory") {
    throw pathError("EISDIR", path, "is a directory");
  }
  if (by.type === "directory" && entry.type !== "directory") {
    throw pathError("ENOTDIR", path, "not a directory");
  }
  if (entry.type === "directory" && hasEntries(transaction, entry.inode)) {
    throw pathError("ENOTEMPTY", path, "directory not empty");
  }
  dropEntry(transaction, parent, name, entry, unlinking.wallMs);
  if (entry.type !== "directory") return unlink(transaction, entry, unlinking);
  dropInode(transaction, entry.inode);
  return [];
}
