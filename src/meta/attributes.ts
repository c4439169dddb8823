import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { Params, Result } from "../wire/control.ts";
import { type Inode, statOf } from "./inode-record.ts";
import { PERMISSION_BITS } from "./new-inode.ts";
import { checkXattrName, parsePath, pathError } from "./path.ts";
import { changeInode, deleteXattr, getInode, getXattr, listXattrs, setXattr } from "./tables.ts";
import { locateEntry } from "./walk.ts";

/** Modes, owners, times and extended attributes: bodies of reads and transactions. */

const XATTR_VALUE_BYTES_MAX = 64 * 1024;
/** Of one file: with names of 255 bytes at most their list fits into a message, and into XATTR_LIST_MAX of Linux. */
const XATTRS_MAX = 256;

/** @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function setattr(
  transaction: KvTransaction,
  { path, follow, mode, uid, gid, atimeMs, mtimeMs }: Params<"meta.setattr">,
  wallMs: number,
): Result<"meta.setattr"> {
  const { inode } = locateEntry(transaction, parsePath(path), follow);
  const change: Partial<Inode> = {
    ...(mode === undefined ? {} : { mode: mode & PERMISSION_BITS }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(atimeMs === undefined ? {} : { atimeMs }),
    ...(mtimeMs === undefined ? {} : { mtimeMs }),
  };
  if (Object.keys(change).length === 0) return statOf(inode, getInode(transaction, inode));
  return statOf(inode, changeInode(transaction, inode, change, wallMs));
}

/** @returns the value in base64 @throws ENODATA, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function getxattr(reader: KvReader, { path, follow, name }: Params<"meta.getxattr">): string {
  checkXattrName(name, path);
  const { inode } = locateEntry(reader, parsePath(path), follow);
  const value = getXattr(reader, inode, name);
  if (value === undefined) throw noData(path, name);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}

/**
 * @throws EEXIST (mode "create"), ENODATA (mode "replace"), ERR_INVALID_ARGUMENT (a value above 64 KiB), ERR_NO_SPACE (more
 * than 256 attributes), ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function setxattr(
  transaction: KvTransaction,
  { path, follow, name, value, mode }: Params<"meta.setxattr">,
  wallMs: number,
): void {
  checkXattrName(name, path);
  const bytes = Buffer.from(value, "base64");
  if (bytes.byteLength > XATTR_VALUE_BYTES_MAX) {
    throw pathError("ERR_INVALID_ARGUMENT", path, "the value of an extended attribute has at most 64 KiB");
  }
  const { inode } = locateEntry(transaction, parsePath(path), follow);
  const isNew = getXattr(transaction, inode, name) === undefined;
  if (mode === "create" && !isNew)
    throw pathError("EEXIST", path, `has the extended attribute ${name} already`);
  if (mode === "replace" && isNew) throw noData(path, name);
  if (isNew && listXattrs(transaction, inode).length >= XATTRS_MAX) {
    throw pathError("ERR_NO_SPACE", path, `has ${XATTRS_MAX} extended attributes already`);
  }
  setXattr(transaction, inode, name, bytes);
  changeInode(transaction, inode, {}, wallMs);
}

/** In the order of their bytes. @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function listxattr(reader: KvReader, { path, follow }: Params<"meta.listxattr">): string[] {
  return listXattrs(reader, locateEntry(reader, parsePath(path), follow).inode);
}

/** @throws ENODATA, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function removexattr(
  transaction: KvTransaction,
  { path, follow, name }: Params<"meta.removexattr">,
  wallMs: number,
): void {
  checkXattrName(name, path);
  const { inode } = locateEntry(transaction, parsePath(path), follow);
  if (getXattr(transaction, inode, name) === undefined) throw noData(path, name);
  deleteXattr(transaction, inode, name);
  changeInode(transaction, inode, {}, wallMs);
}

function noData(path: string, name: string) {
  return pathError("ENODATA", path, `has no extended attribute ${name}`);
}
