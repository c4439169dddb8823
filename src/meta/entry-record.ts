import type { Value } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";

/** What a name in a directory stands for. The type never changes, so readdir need not look at the inodes. */
export interface Entry {
  readonly inode: number;
  readonly type: FileType;
}

export type FileType = "file" | "directory" | "symlink";

/** Numbers of the types as they are stored; never reused. */
export const FILE_TYPES: readonly (FileType | undefined)[] = [undefined, "file", "directory", "symlink"];

const ENTRY_BYTES = 9;

/** u64 inode, little-endian | u8 type */
export function encodeEntry(entry: Entry): Value {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  bytes.writeBigUInt64LE(BigInt(entry.inode), 0);
  bytes[8] = FILE_TYPES.indexOf(entry.type);
  return bytes;
}

/** @throws ERR_CORRUPT */
export function decodeEntry(value: Value): Entry {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const type = FILE_TYPES[bytes[8] ?? 0];
  const inode = bytes.byteLength === ENTRY_BYTES ? Number(bytes.readBigUInt64LE(0)) : 0;
  if (type === undefined || !Number.isSafeInteger(inode) || inode === 0) {
    throw new DidafsError("ERR_CORRUPT", "a directory entry in the metadata is damaged");
  }
  return { inode, type };
}
