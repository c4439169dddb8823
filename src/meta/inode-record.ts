import type { Value } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";
import type { Layout, StatRecord } from "../wire/control.ts";
import { FILE_TYPES, type FileType } from "./entry-record.ts";

/** A file or directory, without its name and number. */
export interface Inode {
  readonly type: FileType;
  /** POSIX permission bits. */
  readonly mode: number;
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Since 1970. */
  readonly mtimeMs: number;
  /** Files have one, directories none. */
  readonly layout: Layout | undefined;
}

/**
 * The record, little-endian; unused bytes are zero:
 *
 *      0  u16 magic 0xD1DE | u8 version | u8 type (FILE_TYPES)
 *      4  u32 mode
 *      8  u64 size
 *     16  f64 mtimeMs
 *     24  u32 regionCount | u8 stripeShift (stripeUnit = 2 ** stripeShift) | 3 bytes zero
 *     32  32 bytes zero
 *     64  regions, 32 bytes each: 16 bytes target | u8 drive (DRIVES) | 15 bytes zero
 */
const MAGIC = 0xd1de;
const INODE_VERSION = 1;
const FIXED_BYTES = 64;
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
  bytes.writeBigUInt64LE(BigInt(inode.size), 8);
  bytes.writeDoubleLE(inode.mtimeMs, 16);
  bytes.writeUInt32LE(regions.length, 24);
  if (inode.layout !== undefined) bytes[28] = Math.log2(inode.layout.stripeUnit);
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
  if (bytes.byteLength < FIXED_BYTES || bytes.readUInt16LE(0) !== MAGIC) throw corrupt("no inode");
  if (bytes[2] !== INODE_VERSION) {
    throw new DidafsError("ERR_VERSION", `an inode has version ${bytes[2]}, this is ${INODE_VERSION}`);
  }
  const type = FILE_TYPES[bytes[3] as number];
  const size = Number(bytes.readBigUInt64LE(8));
  const mtimeMs = bytes.readDoubleLE(16);
  if (type === undefined) throw corrupt("unknown type");
  if (!Number.isSafeInteger(size) || !Number.isFinite(mtimeMs)) throw corrupt("size or time out of range");
  const layout = decodeLayout(bytes);
  if ((layout === undefined) !== (type === "directory")) throw corrupt("layout and type do not agree");
  return { type, mode: bytes.readUInt32LE(4), size, mtimeMs, layout };
}

function decodeLayout(bytes: Buffer): Layout | undefined {
  const count = bytes.readUInt32LE(24);
  const shift = bytes[28] as number;
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
export function statOf(number: number, { layout, ...rest }: Inode): StatRecord {
  return { inode: number, ...rest, ...(layout === undefined ? {} : { layout }) };
}
