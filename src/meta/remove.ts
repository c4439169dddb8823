import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { DidafsError } from "../std/errors.ts";
import type { Params } from "../wire/control.ts";
import { decodeEntry, type Entry } from "./entry-record.ts";
import { entryName, entryRange, trashInode, trashKey, trashRange } from "./keys.ts";
import { parsePath, pathError } from "./path.ts";
import {
  addOrphan,
  changeInode,
  discardFile,
  dropEntry,
  dropInode,
  getInode,
  hasEntries,
  isUnreadable,
} from "./tables.ts";
import { locate, type Place } from "./walk.ts";

/** What taking names away needs to know. */
export interface Unlinking {
  readonly wallMs: number;
  /** Somebody has the file open, or may have: it keeps its bytes as an orphan. */
  mayBeOpen(inode: number): boolean;
}

/** What a removal leaves to be done. */
export interface Removed {
  /** Targets that hold regions to be removed. */
  readonly targets: readonly string[];
  /** A directory was thrown away with all that is in it (see emptyTrash). */
  readonly trashed: boolean;
}

/**
 * Removes a name. A directory that is not empty vanishes in this one transaction, with everything in it, however much
 * that is: it loses its name and becomes trash, which is emptied in bounded steps.
 * @throws ENOENT, ENOTDIR, EISDIR, ENOTEMPTY (without `recursive`), EINVAL (the root, or a path that ends in `.` or
 * `..`), ELOOP, ENAMETOOLONG
 */
export function remove(
  transaction: KvTransaction,
  { path, recursive, only }: Params<"meta.remove">,
  unlinking: Unlinking,
): Removed {
  const { wallMs } = unlinking;
  const { parent, name, entry } = removable(locate(transaction, parsePath(path), "name"), path, only);
  if (entry.type !== "directory") {
    dropEntry(transaction, parent, name, entry, wallMs);
    return { targets: unlink(transaction, entry, unlinking), trashed: false };
  }
  const trashed = hasEntries(transaction, entry.inode);
  if (trashed && !recursive) throw pathError("ENOTEMPTY", path, "directory not empty");
  dropEntry(transaction, parent, name, entry, wallMs);
  discardDirectory(transaction, entry.inode, trashed);
  return { targets: [], trashed };
}

function removable(
  { parent, name, entry, endsInSlash }: Place,
  path: string,
  only: Params<"meta.remove">["only"],
): { parent: number; name: string; entry: Entry } {
  if (entry === undefined) throw pathError("ENOENT", path, "no such file or directory");
  const isDirectory = entry.type === "directory";
  if (!isDirectory && (endsInSlash || only === "directory")) {
    throw pathError("ENOTDIR", path, "not a directory");
  }
  if (isDirectory && only === "file") throw pathError("EISDIR", path, "is a directory");
  if (name === undefined) throw pathError("EINVAL", path, "cannot be removed");
  return { parent, name, entry };
}

/** A file or symbolic link has lost a name; with the last one it goes. @returns targets that hold regions to be removed */
export function unlink(transaction: KvTransaction, { inode, type }: Entry, unlinking: Unlinking): string[] {
  const { nlink } = getInode(transaction, inode);
  if (nlink > 1) changeInode(transaction, inode, { nlink: nlink - 1 }, unlinking.wallMs);
  else if (type === "file" && unlinking.mayBeOpen(inode)) addOrphan(transaction, inode, unlinking.wallMs);
  else return discardFile(transaction, inode);
  return [];
}

const TRASH_STEP_ENTRIES = 256;

export function hasTrash(reader: KvReader): boolean {
  const [start, end] = trashRange(0);
  return [...reader.scan(start, end, 1)].length > 0;
}

/** How far a pass over the trash has come. */
export interface TrashPlace {
  readonly directory: number;
  /** Behind that entry of it. */
  readonly after: string | undefined;
}

export const TRASH_BEGIN: TrashPlace = { directory: 0, after: undefined };

/** An entry that stays, because it, or what it names, cannot be read. */
export interface KeptEntry {
  readonly directory: number;
  readonly name: string;
  readonly error: DidafsError;
}

export interface TrashStep {
  /** Where to go on; undefined at the end of the pass. */
  readonly next: TrashPlace | undefined;
  /** Something went. */
  readonly progressed: boolean;
  /** Targets that hold regions to be removed. */
  readonly targets: readonly string[];
  readonly kept: readonly KeptEntry[];
}

/**
 * Removes some of what is in one thrown-away directory; its subdirectories become trash of their own, so neither depth
 * nor number matters. What cannot be read stays, and its directory remains trash. Passes are repeated as long as there
 * is trash and they make progress.
 */
export function emptyTrash(transaction: KvTransaction, from: TrashPlace, unlinking: Unlinking): TrashStep {
  const [first] = transaction.scan(...trashRange(from.directory), 1);
  if (first === undefined) return { next: undefined, progressed: false, targets: [], kept: [] };
  const directory = trashInode(first[0]);
  const after = directory === from.directory ? from.after : undefined;
  const entries = [...transaction.scan(...entryRange(directory, after), TRASH_STEP_ENTRIES)];
  const targets: string[] = [];
  const kept: KeptEntry[] = [];
  for (const [key, value] of entries) {
    try {
      targets.push(...discardEntry(transaction, decodeEntry(value), unlinking));
      transaction.delete(key);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      kept.push({ directory, name: entryName(key), error });
    }
  }
  const last = entries.at(-1)?.[0];
  const isMore = entries.length === TRASH_STEP_ENTRIES && last !== undefined;
  const isEmpty = !isMore && !hasEntries(transaction, directory);
  if (isEmpty) transaction.delete(trashKey(directory));
  return {
    next: isMore ? { directory, after: entryName(last) } : { directory: directory + 1, after: undefined },
    progressed: isEmpty || kept.length < entries.length,
    targets,
    kept,
  };
}

/** @returns targets that hold regions to be removed @throws ERR_CORRUPT, ERR_VERSION before anything is changed */
function discardEntry(transaction: KvTransaction, entry: Entry, unlinking: Unlinking): string[] {
  if (entry.type !== "directory") return unlink(transaction, entry, unlinking);
  discardDirectory(transaction, entry.inode, true);
  return [];
}

function discardDirectory(transaction: KvTransaction, inode: number, hasEntries: boolean): void {
  dropInode(transaction, inode);
  if (hasEntries) transaction.set(trashKey(inode), new Uint8Array(0));
}
