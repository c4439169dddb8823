import type { KvReader, KvTransaction } from "../ports/kv.ts";
import { type Making, newInode } from "./new-inode.ts";
import { checkPathText, nameBytes, parsePath, pathError } from "./path.ts";
import { addEntry, addInode, changeInode, getInode, getLink, setLink } from "./tables.ts";
import { locate, locateEntry, type Place } from "./walk.ts";

/** Names of one file, at most; as many as ext4 allows. */
export const LINKS_MAX = 65_000;

const LINK_MODE = 0o777;

/**
 * Gives what is at `existing` one more name.
 * @throws EPERM (a directory), EMLINK, EEXIST, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function link(transaction: KvTransaction, existing: string, path: string, wallMs: number): void {
  const entry = locateEntry(transaction, parsePath(existing), false);
  const { parent, name } = free(locate(transaction, parsePath(path), "name"), path);
  if (entry.type === "directory")
    throw pathError("EPERM", existing, "is a directory, which has one name; make a symbolic link");
  const { nlink } = getInode(transaction, entry.inode);
  if (nlink >= LINKS_MAX) throw pathError("EMLINK", existing, `has ${LINKS_MAX} names already`);
  changeInode(transaction, entry.inode, { nlink: nlink + 1 }, wallMs);
  addEntry(transaction, parent, name, entry, wallMs);
}

/**
 * Makes a symbolic link under the number `inode`. What it says need not exist.
 * @throws EEXIST, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function symlink(
  transaction: KvTransaction,
  target: string,
  path: string,
  inode: number,
  making: Making,
): void {
  checkPathText(target, path);
  const { parent, name } = free(locate(transaction, parsePath(path), "name"), path);
  const size = nameBytes(target).byteLength;
  const record = newInode(getInode(transaction, parent), "symlink", LINK_MODE, making, { size });
  addInode(transaction, inode, record);
  setLink(transaction, inode, target);
  addEntry(transaction, parent, name, { inode, type: "symlink" }, making.wallMs);
}

/** @throws EINVAL (not a symbolic link), ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG */
export function readlink(reader: KvReader, path: string): string {
  const entry = locateEntry(reader, parsePath(path), false);
  if (entry.type !== "symlink") throw pathError("EINVAL", path, "not a symbolic link");
  return getLink(reader, entry.inode);
}

/** The place of a new name that is no directory's. */
function free(place: Place, path: string): { parent: number; name: string } {
  const { parent, name, entry, endsInSlash } = place;
  if (entry !== undefined || name === undefined) throw pathError("EEXIST", path, "exists already");
  if (endsInSlash) throw pathError("ENOENT", path, "there is no such directory");
  return { parent, name };
}
