import type { Value } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import type { Layout, StatRecord } from "../wire/control.ts";
import { FILE_TYPES, type FileType } from "./entry-record.ts";

/** What is known of a file, directory or symbolic link besides its names and its number. Times count from 1970. */
export interface Inode {
  readonly type: FileType;
  /** POSIX permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names of the file, 0 of an orphan; of a directory 2 and one for each directory in it. */
  readonly nlink: number;
  /** Generation: capabilities that name an earlier one are revoked. From 1. */
  readonly gen: number;
  /** Bytes; of a symbolic link those of what it says, of a directory 0. */
  readonly size: number;
  /** Up to here a file's regions may have bytes; at least its size. */
  readonly extent: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  /** Files have one, directories and symbolic links none. */
  readonly layout: Layout | undefined;
}

/**
 * The record, little-endian; unused bytes are zero:
 *
 *      0  u16 magic 0xD1DE | u8 version | u8 type (FILE_TYPES)
 *      4  u32 mode
 *      8  u32 uid
 *     12  u32 gid
 *     16  u32 nlink
 *     20  u32 gen
 *     24  u64 size
 *     32  u64 extent
 *     40  f64 atimeMs
 *     48  f64 mtimeMs
 *     56  f64 ctimeMs
 *     64  f64 birthtimeMs
 *     72  u32 regionCount | u8 stripeShift (stripeUnit = 2 ** stripeShift) | 3 bytes zero
 *     80  16 bytes zero
 *     96  regions, 32 bytes each: 16 bytes target | u8 drive (DRIVES) | 15 bytes zero
 */
const MAGIC = 0xd1de;
const INODE_VERSION = 2;
const FIXED_BYTES = 96;
const REGION_BYTES = 32;

export const REGIONS_MAX = 1024;
export const STRIPE_SHIFT_MIN = 12;
export const STRIPE_SHIFT_MAX = 52;

/** Numbers of the drives as they are stored; never reused. */
const DRIVES: readonly (Layout["regions"][number]["drive"] | undefined)[] = [undefined, "file", "memory"];

export function encodeInode(inode: Inode): Value {
  const regions = inode.layout?.regions ?? [];
  const bytes = Buffer.alloc(FIXED_BYTES + regions.length * REGION_BYTES);
  bytes.writeUInt16LE(MAGIC, 0);
  bytes[2] = INODE_VERSION;
  bytes[3] = FILE_TYPES.indexOf(inode.type);
  bytes.writeUInt32LE(inode.mode, 4);
  bytes.writeUInt32LE(inode.uid, 8);
  bytes.writeUInt32LE(inode.gid, 12);
  bytes.writeUInt32LE(inode.nlink, 16);
  bytes.writeUInt32LE(inode.gen, 20);
  bytes.writeBigUInt64LE(BigInt(inode.size), 24);
  bytes.writeBigUInt64LE(BigInt(inode.extent), 32);
  bytes.writeDoubleLE(inode.atimeMs, 40);
  bytes.writeDoubleLE(inode.mtimeMs, 48);
  bytes.writeDoubleLE(inode.ctimeMs, 56);
  bytes.writeDoubleLE(inode.birthtimeMs, 64);
  bytes.writeUInt32LE(regions.length, 72);
  if (inode.layout !== undefined) bytes[76] = Math.log2(inode.layout.stripeUnit);
  for (const [index, { target, drive }] of regions.entries()) {
    const at = FIXED_BYTES + index * REGION_BYTES;
    bytes.write(target, at, "hex");
    bytes[at + 16] = DRIVES.indexOf(drive);
  }
  return bytes;
}

/** @throws ERR_VERSION (naming both versions), ERR_CORRUPT */
export function decodeInode(value: Value): Inode {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.byteLength < 4 || bytes.readUInt16LE(0) !== MAGIC) throw corrupt("no inode");
  if (bytes[2] !== INODE_VERSION) {
    throw storedByAnother("an inode in the metadata has version", bytes[2] as number, INODE_VERSION);
  }
  if (bytes.byteLength < FIXED_BYTES) throw corrupt("cut short");
  const type = FILE_TYPES[bytes[3] as number];
  if (type === undefined) throw corrupt("unknown type");
  const layout = decodeLayout(bytes);
  if ((layout === undefined) === (type === "file")) throw corrupt("layout and type do not agree");
  const inode = {
    type,
    mode: bytes.readUInt32LE(4),
    uid: bytes.readUInt32LE(8),
    gid: bytes.readUInt32LE(12),
    nlink: bytes.readUInt32LE(16),
    gen: bytes.readUInt32LE(20),
    size: Number(bytes.readBigUInt64LE(24)),
    extent: Number(bytes.readBigUInt64LE(32)),
    atimeMs: bytes.readDoubleLE(40),
    mtimeMs: bytes.readDoubleLE(48),
    ctimeMs: bytes.readDoubleLE(56),
    birthtimeMs: bytes.readDoubleLE(64),
    layout,
  };
  const times = [inode.atimeMs, inode.mtimeMs, inode.ctimeMs, inode.birthtimeMs];
  if (!times.every(Number.isFinite)) throw corrupt("time out of range");
  if (!Number.isSafeInteger(inode.extent) || inode.size > inode.extent) throw corrupt("size out of range");
  return inode;
}

function decodeLayout(bytes: Buffer): Layout | undefined {
  const count = bytes.readUInt32LE(72);
  const shift = bytes[76] as number;
  if (bytes.byteLength !== FIXED_BYTES + count * REGION_BYTES) throw corrupt("length and regions disagree");
  if (count === 0) return undefined;
  if (shift < STRIPE_SHIFT_MIN || shift > STRIPE_SHIFT_MAX) throw corrupt("stripe unit out of range");
  const regions = Array.from({ length: count }, (_, index) => {
    const at = FIXED_BYTES + index * REGION_BYTES;
    const drive = DRIVES[bytes[at + 16] as number];
    if (drive === undefined) throw corrupt("unknown drive");
    return { target: bytes.toString("hex", at, at + 16), drive };
  });
  return { stripeUnit: 2 ** shift, regions };
}

function corrupt(what: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `an inode in the metadata is damaged: ${what}`);
}

/** What callers learn of an inode. */
export function statOf(number: number, { layout, gen: _gen, extent: _extent, ...rest }: Inode): StatRecord {
  return { inode: number, ...rest, ...(layout === undefined ? {} : { layout }) };
}
