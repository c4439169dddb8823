import type { Params } from "../wire/control.ts";
import type { FileType } from "./entry-record.ts";
import type { Inode } from "./inode-record.ts";

const SET_GID = 0o2000;
export const PERMISSION_BITS = 0o7777;
export const DIRECTORY_MODE_DEFAULT = 0o755;
/** Names of an empty directory: its own, and `.` in it. */
const DIRECTORY_LINKS = 2;

export type Owner = Params<"meta.mkdir">["owner"];

/** What every call that makes inodes says of them. */
export interface Making {
  readonly owner: Owner;
  readonly wallMs: number;
}

/** @param parent the directory that it is made in; one with the set-gid bit hands its group on, and the bit to directories */
export function newInode(
  parent: Pick<Inode, "mode" | "gid">,
  type: FileType,
  mode: number,
  { owner, wallMs }: Making,
  rest: Partial<Inode> = {},
): Inode {
  const hasSetGid = (parent.mode & SET_GID) !== 0;
  return {
    type,
    mode: (mode & PERMISSION_BITS) | (hasSetGid && type === "directory" ? SET_GID : 0),
    uid: owner?.uid ?? 0,
    gid: hasSetGid ? parent.gid : (owner?.gid ?? 0),
    nlink: type === "directory" ? DIRECTORY_LINKS : 1,
    gen: 1,
    size: 0,
    extent: rest.size ?? 0,
    atimeMs: wallMs,
    mtimeMs: wallMs,
    ctimeMs: wallMs,
    birthtimeMs: wallMs,
    layout: undefined,
    ...rest,
  };
}

/** The root of new metadata. */
export function rootInode(wallMs: number): Inode {
  return newInode({ mode: 0, gid: 0 }, "directory", DIRECTORY_MODE_DEFAULT, { owner: undefined, wallMs });
}
