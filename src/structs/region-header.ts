import { crc32 } from "node:zlib";
import { DidafsError } from "../std/errors.ts";

/**
 * The first page of a region's file or memfd; the data follow. Little-endian; written whole once, when the region is
 * made, and never changed after that. Only the target's control thread writes it.
 *
 *      0  u8[8] magic "DIDAFSRG"
 *      8  u32 version | u32 headerBytes (4096)
 *     16  u64 inode
 *     24  u32 index | u32 gen
 *     32  u64 byteLength (of the data)
 *     40  zero ...
 *   4088  u32 zero | u32 crc32 of everything before it
 *
 * A page of zeros means: its making was cut off before the header was synced. Only making it again may meet that; once
 * the making was confirmed it means that bytes are lost.
 */
export const REGION_HEADER_BYTES = 4096;
const REGION_VERSION = 1;

const MAGIC = new TextEncoder().encode("DIDAFSRG");
const VERSION_AT = 8;
const HEADER_BYTES_AT = 12;
const INODE_AT = 16;
const INDEX_AT = 24;
const GEN_AT = 28;
const BYTE_LENGTH_AT = 32;
const CHECKSUM_AT = 4092;

/** Which region a header names. */
export interface RegionIdentity {
  readonly inode: number;
  readonly index: number;
  readonly gen: number;
  /** Bytes of the data. */
  readonly byteLength: number;
}

/** Bytes of the object that holds a region with `dataBytes` of data: its header and whole pages. */
export function regionObjectBytes(dataBytes: number): number {
  return REGION_HEADER_BYTES + Math.ceil(dataBytes / 4096) * 4096;
}

/** Writes a region's header into `page`, which has REGION_HEADER_BYTES. */
export function encodeRegionHeader(page: Uint8Array, region: RegionIdentity): void {
  page.fill(0);
  page.set(MAGIC);
  const view = new DataView(page.buffer, page.byteOffset, REGION_HEADER_BYTES);
  view.setUint32(VERSION_AT, REGION_VERSION, true);
  view.setUint32(HEADER_BYTES_AT, REGION_HEADER_BYTES, true);
  view.setBigUint64(INODE_AT, BigInt(region.inode), true);
  view.setUint32(INDEX_AT, region.index, true);
  view.setUint32(GEN_AT, region.gen, true);
  view.setBigUint64(BYTE_LENGTH_AT, BigInt(region.byteLength), true);
  view.setUint32(CHECKSUM_AT, crc32(page.subarray(0, CHECKSUM_AT)), true);
}

/**
 * Reads the header of the object `name`.
 * @returns undefined for a page of zeros
 * @throws ERR_VERSION for a newer format, ERR_CORRUPT for anything else that is no header
 */
export function decodeRegionHeader(page: Uint8Array, name: string): RegionIdentity | undefined {
  if (page.length < REGION_HEADER_BYTES) throw corrupt(name, "it is shorter than its header");
  if (page.subarray(0, REGION_HEADER_BYTES).every((byte) => byte === 0)) return undefined;
  if (!MAGIC.every((byte, i) => page[i] === byte)) throw corrupt(name, "it does not begin with a header");
  const view = new DataView(page.buffer, page.byteOffset, REGION_HEADER_BYTES);
  // The version comes before the checksum: a newer format may be checked in another way.
  const version = view.getUint32(VERSION_AT, true);
  if (version > REGION_VERSION) {
    throw new DidafsError(
      "ERR_VERSION",
      `Region ${name} is in format ${version}; this program knows formats up to ${REGION_VERSION}. Use a newer one.`,
    );
  }
  if (view.getUint32(CHECKSUM_AT, true) !== crc32(page.subarray(0, CHECKSUM_AT))) {
    throw corrupt(name, "the checksum of its header does not match");
  }
  const inode = view.getBigUint64(INODE_AT, true);
  const byteLength = view.getBigUint64(BYTE_LENGTH_AT, true);
  if (version === 0 || view.getUint32(HEADER_BYTES_AT, true) !== REGION_HEADER_BYTES) {
    throw corrupt(name, "its header has fields that no format has");
  }
  if (inode > Number.MAX_SAFE_INTEGER || byteLength > Number.MAX_SAFE_INTEGER) {
    throw corrupt(name, "its header has numbers beyond every limit");
  }
  return {
    inode: Number(inode),
    index: view.getUint32(INDEX_AT, true),
    gen: view.getUint32(GEN_AT, true),
    byteLength: Number(byteLength),
  };
}

function corrupt(name: string, why: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `Region ${name} cannot be used: ${why}.`);
}
