import type { KvReader, KvTransaction } from "../ports/kv.ts";
import { entryKey, inodeKey, trashInode, trashKey, trashRange } from "./keys.ts";
import { parsePath, pathError } from "./path.ts";
import { discardFile, listEntries, putEntry } from "./tables.ts";
import { locate } from "./walk.ts";

/** What a removal leaves to be done. */
export interface Removed {
  /** Targets that hold regions to be removed. */
  readonly targets: readonly string[];
  /** A directory was thrown away with all that is in it (see emptyTrash). */
  readonly trashed: boolean;
}

/**
 * Removes a file or directory. A directory that is not empty vanishes in this one transaction, with everything in it,
 * however much that is: it loses its name and becomes trash, which is emptied in bounded steps.
 * @throws ENOENT, ENOTDIR, ENOTEMPTY (without `recursive`), EINVAL (the root, or a path that ends in `..`), ENAMETOOLONG
 */
export function remove(
  transaction: KvTransaction,
  path: string,
  recursive: boolean,
  wallMs: number,
): Removed {
  const { parent, name, entry } = locate(transaction, parsePath(path));
  if (entry === undefined) throw pathError("ENOENT", path, "no such file or directory");
  if (name === undefined) throw pathError("EINVAL", path, "cannot be removed");
  if (entry.type === "file") {
    putEntry(transaction, parent, name, undefined, wallMs);
    return { targets: discardFile(transaction, entry.inode), trashed: false };
  }
  const trashed = listEntries(transaction, entry.inode, undefined, 1).length > 0;
  if (trashed && !recursive) throw pathError("ENOTEMPTY", path, "directory not empty");
  putEntry(transaction, parent, name, undefined, wallMs);
  discardDirectory(transaction, entry.inode, trashed);
  return { targets: [], trashed };
}

const TRASH_STEP_ENTRIES = 256;

export function hasTrash(reader: KvReader): boolean {
  const [start, end] = trashRange();
  return [...reader.scan(start, end, 1)].length > 0;
}

/**
 * Removes some of what is in one thrown-away directory; its subdirectories become trash of their own, so neither depth
 * nor number matters. Call it until there is no trash.
 * @returns targets that hold regions to be removed
 */
export function emptyTrash(transaction: KvTransaction): string[] {
  const [start, end] = trashRange();
  const [first] = transaction.scan(start, end, 1);
  if (first === undefined) return [];
  const directory = trashInode(first[0]);
  const entries = listEntries(transaction, directory, undefined, TRASH_STEP_ENTRIES);
  const targets: string[] = [];
  for (const { name, entry } of entries) {
    transaction.delete(entryKey(directory, name));
    if (entry.type === "file") targets.push(...discardFile(transaction, entry.inode));
    else discardDirectory(transaction, entry.inode, true);
  }
  if (entries.length < TRASH_STEP_ENTRIES) transaction.delete(trashKey(directory));
  return targets;
}

function discardDirectory(transaction: KvTransaction, inode: number, hasEntries: boolean): void {
  transaction.delete(inodeKey(inode));
  if (hasEntries) transaction.set(trashKey(inode), new Uint8Array(0));
}
