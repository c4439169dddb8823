import type { KvReader, KvTransaction } from "../ports/kv.ts";
import type { Params, Result, Subject } from "../wire/control.ts";
import { type Inode, statOf } from "./inode-record.ts";
import { PERMISSION_BITS } from "./new-inode.ts";
import { checkXattrName } from "./path.ts";
import { inodeOf, nameOf, subjectError } from "./subject.ts";
import { changeInode, deleteXattr, getInode, getXattr, listXattrs, setXattr } from "./tables.ts";

/** Modes, owners, times and extended attributes: bodies of reads and transactions. */

const XATTR_VALUE_BYTES_MAX = 64 * 1024;
/** Of one file: with names of 255 bytes at most their list fits into a message, and into XATTR_LIST_MAX of Linux. */
const XATTRS_MAX = 256;

/** @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function setattr(
  transaction: KvTransaction,
  params: Params<"meta.setattr">,
  wallMs: number,
): Result<"meta.setattr"> {
  const { mode, uid, gid, atimeMs, mtimeMs } = params;
  const inode = inodeOf(transaction, params);
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
export function getxattr(reader: KvReader, params: Params<"meta.getxattr">): string {
  const { name } = params;
  checkXattrName(name, nameOf(params));
  const value = getXattr(reader, inodeOf(reader, params), name);
  if (value === undefined) throw noData(params, name);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}

/**
 * @throws EEXIST (mode "create"), ENODATA (mode "replace"), ERR_INVALID_ARGUMENT (a value above 64 KiB), ERR_NO_SPACE (more
 * than 256 attributes), ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG
 */
export function setxattr(transaction: KvTransaction, params: Params<"meta.setxattr">, wallMs: number): void {
  const { name, value, mode } = params;
  checkXattrName(name, nameOf(params));
  const bytes = Buffer.from(value, "base64");
  if (bytes.byteLength > XATTR_VALUE_BYTES_MAX) {
    throw subjectError(
      "ERR_INVALID_ARGUMENT",
      params,
      "the value of an extended attribute has at most 64 KiB",
    );
  }
  const inode = inodeOf(transaction, params);
  const isNew = getXattr(transaction, inode, name) === undefined;
  if (mode === "create" && !isNew)
    throw subjectError("EEXIST", params, `has the extended attribute ${name} already`);
  if (mode === "replace" && isNew) throw noData(params, name);
  if (isNew && listXattrs(transaction, inode).length >= XATTRS_MAX) {
    throw subjectError("ERR_NO_SPACE", params, `has ${XATTRS_MAX} extended attributes already`);
  }
  setXattr(transaction, inode, name, bytes);
  changeInode(transaction, inode, {}, wallMs);
}

/** In the order of their bytes. @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function listxattr(reader: KvReader, params: Params<"meta.listxattr">): string[] {
  return listXattrs(reader, inodeOf(reader, params));
}

/** @throws ENODATA, ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function removexattr(
  transaction: KvTransaction,
  params: Params<"meta.removexattr">,
  wallMs: number,
): void {
  const { name } = params;
  checkXattrName(name, nameOf(params));
  const inode = inodeOf(transaction, params);
  if (getXattr(transaction, inode, name) === undefined) throw noData(params, name);
  deleteXattr(transaction, inode, name);
  changeInode(transaction, inode, {}, wallMs);
}

function noData(subject: Subject, name: string) {
  return subjectError("ENODATA", subject, `has no extended attribute ${name}`);
}
