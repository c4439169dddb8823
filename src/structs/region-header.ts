import { crc32 } from "node:zlib";
import { DidafsError } from "../std/errors.ts";

/**
 * The first page of a region's file or memfd; the data follow. Little-endian. Only the target's control thread writes
 * it. Two slots hold the same fields; the newer one whose checksum matches counts, and a change is written to the other.
 * So a change that is cut off leaves what was there before. Each slot lies in a sector of its own, which a drive writes
 * whole or not at all.
 *
 *      0  slot 0 (even sequences)
 *   1024  u32 resizes: grows after a slot with another length was written. Origins that map the page watch it.
 *   2048  slot 1 (odd sequences)
 *
 * A slot, 64 bytes; the rest of the page is zero:
 *
 *      0  u8[8] magic "DIDAFSRG"
 *      8  u32 version | u32 headerBytes (4096)
 *     16  u64 inode
 *     24  u32 index | u32 flags
 *     32  u64 byteLength (of the data)
 *     40  u64 sequence
 *     48  zero ...
 *     60  u32 crc32 of everything before it
 *
 * A page of zeros means: its making was cut off before the header was synced. Only making it again may meet that; once
 * the making was confirmed it means that bytes are lost.
 */
export const REGION_HEADER_BYTES = 4096;
const REGION_VERSION = 2;

const SLOT_BYTES = 64;
const SLOTS_AT = [0, 2048] as const;
const RESIZES_AT = 1024;

const MAGIC = new TextEncoder().encode("DIDAFSRG");
const VERSION_AT = 8;
const HEADER_BYTES_AT = 12;
const INODE_AT = 16;
const INDEX_AT = 24;
const FLAGS_AT = 28;
const BYTE_LENGTH_AT = 32;
const SEQUENCE_AT = 40;
const CHECKSUM_AT = 60;

const FLAG_WRITTEN = 1;
/** A page that says more than this is no work of ours, and leaves room to count on. */
const SEQUENCE_END = 2 ** 52;

/** What a region's header says. */
export interface RegionHeader {
  readonly inode: number;
  readonly index: number;
  /** Bytes of the data. */
  readonly byteLength: number;
  /** A window that may write has been opened on the region. */
  readonly written: boolean;
  /** Changes of the header since the region was made; below 2^52. */
  readonly sequence: number;
}

/** Bytes of an object that holds a region with `dataBytes` of data: its header and whole pages. It may have more. */
export function regionObjectBytes(dataBytes: number): number {
  return REGION_HEADER_BYTES + Math.ceil(dataBytes / 4096) * 4096;
}

/**
 * Writes a header into `page`, which has REGION_HEADER_BYTES, beside the one with the sequence before.
 * @throws ERR_CORRUPT where `header` has a sequence that none can have
 */
export function encodeRegionHeader(page: Uint8Array, header: RegionHeader): void {
  if (header.sequence >= SEQUENCE_END) {
    throw corrupt(`${header.inode}.${header.index}`, "its header was changed more often than any can be");
  }
  const slot = new Uint8Array(SLOT_BYTES);
  const view = new DataView(slot.buffer);
  slot.set(MAGIC);
  view.setUint32(VERSION_AT, REGION_VERSION, true);
  view.setUint32(HEADER_BYTES_AT, REGION_HEADER_BYTES, true);
  view.setBigUint64(INODE_AT, BigInt(header.inode), true);
  view.setUint32(INDEX_AT, header.index, true);
  view.setUint32(FLAGS_AT, header.written ? FLAG_WRITTEN : 0, true);
  view.setBigUint64(BYTE_LENGTH_AT, BigInt(header.byteLength), true);
  view.setBigUint64(SEQUENCE_AT, BigInt(header.sequence), true);
  view.setUint32(CHECKSUM_AT, crc32(slot.subarray(0, CHECKSUM_AT)), true);
  page.set(slot, SLOTS_AT[header.sequence % 2]);
}

/**
 * Reads the header of the object `name`.
 * @returns undefined for a page of zeros
 * @throws ERR_VERSION for another format, ERR_CORRUPT for anything else that is no header
 */
export function decodeRegionHeader(page: Uint8Array, name: string): RegionHeader | undefined {
  if (page.length < REGION_HEADER_BYTES) throw corrupt(name, "it is shorter than its header");
  if (page.subarray(0, REGION_HEADER_BYTES).every((byte) => byte === 0)) return undefined;
  const slots = SLOTS_AT.map((at) => page.slice(at, at + SLOT_BYTES));
  const found = newestHeader(page);
  // Beside a valid slot of ours an intact one counts only: a damaged one says nothing about any program.
  const telling = slots.filter(found === undefined ? hasMagic : isIntact).map(versionOf);
  const other = telling.find((version) => version !== REGION_VERSION);
  if (other !== undefined) {
    throw new DidafsError(
      "ERR_VERSION",
      `Region ${name} is in format ${other}; this program knows format ${REGION_VERSION}. Use the version of DiDAFS that wrote it.`,
    );
  }
  if (found !== undefined) return found;
  throw corrupt(name, "both copies of its header are damaged");
}

/** The newer valid slot of a page that others may be changing; undefined where there is none. */
export function newestHeader(page: Uint8Array): RegionHeader | undefined {
  let newest: RegionHeader | undefined;
  for (const [parity, at] of SLOTS_AT.entries()) {
    // A copy is checked, so that what was checked is what is used.
    const header = decodeSlot(page.slice(at, at + SLOT_BYTES), parity);
    if (header !== undefined && header.sequence >= (newest?.sequence ?? 0)) newest = header;
  }
  return newest;
}

/** How often the region's length has changed, modulo 2^32; read before the slots. @param words of the page */
export function regionResizes(words: Int32Array): number {
  return Atomics.load(words, RESIZES_AT / 4);
}

/** The same for comparing only: a plain load, 5 ns less. */
export function glanceResizes(words: Int32Array): number {
  return words[RESIZES_AT / 4] as number;
}

/** Tells those who map the page that a slot with another length is there. */
export function countResize(words: Int32Array): void {
  Atomics.add(words, RESIZES_AT / 4, 1);
}

function decodeSlot(slot: Uint8Array, parity: number): RegionHeader | undefined {
  const view = new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES);
  if (!isIntact(slot) || versionOf(slot) !== REGION_VERSION) return undefined;
  if (view.getUint32(HEADER_BYTES_AT, true) !== REGION_HEADER_BYTES) return undefined;
  const inode = view.getBigUint64(INODE_AT, true);
  const byteLength = view.getBigUint64(BYTE_LENGTH_AT, true);
  const sequence = view.getBigUint64(SEQUENCE_AT, true);
  if (inode > Number.MAX_SAFE_INTEGER || byteLength > Number.MAX_SAFE_INTEGER) return undefined;
  if (sequence >= SEQUENCE_END || Number(sequence) % 2 !== parity) return undefined;
  return {
    inode: Number(inode),
    index: view.getUint32(INDEX_AT, true),
    byteLength: Number(byteLength),
    written: (view.getUint32(FLAGS_AT, true) & FLAG_WRITTEN) !== 0,
    sequence: Number(sequence),
  };
}

/** Every format keeps the magic, the version and the checksum where they are. */
function isIntact(slot: Uint8Array): boolean {
  const view = new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES);
  return hasMagic(slot) && view.getUint32(CHECKSUM_AT, true) === crc32(slot.subarray(0, CHECKSUM_AT));
}

function hasMagic(slot: Uint8Array): boolean {
  return MAGIC.every((byte, i) => slot[i] === byte);
}

function versionOf(slot: Uint8Array): number {
  return new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES).getUint32(VERSION_AT, true);
}

function corrupt(name: string, why: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `Region ${name} cannot be used: ${why}.`);
}
