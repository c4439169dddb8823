import { decodePage, encodePage, HEADER_PAGE_BYTES, newestSlot, type PageFormat } from "./header-page.ts";

/**
 * The first page of a region's file or memfd (header-page.ts); the data follow. The target's control thread writes it, and its
 * home worker one word of it.
 *
 *      0  slot 0
 *   1024  u32 resizes: grows after a slot with another length was written. Origins that map the page watch it.
 *   1088  u32 waits, see region-waits.ts
 *   2048  slot 1
 *
 * A slot's fields; the rest is zero:
 *
 *      0  magic "DIDAFSRG"
 *     16  u64 inode
 *     24  u32 index | u32 flags
 *     32  u64 byteLength (of the data)
 *
 * Only making a region again may meet a page of zeros; once the making was confirmed it means that bytes are lost.
 */
export const REGION_HEADER_BYTES: number = HEADER_PAGE_BYTES;

const RESIZES_AT = 1024;
const INODE_AT = 16;
const INDEX_AT = 24;
const FLAGS_AT = 28;
const BYTE_LENGTH_AT = 32;

const FLAG_WRITTEN = 1;

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

const FORMAT: PageFormat<RegionHeader> = {
  what: "Region",
  magic: new TextEncoder().encode("DIDAFSRG"),
  version: 2,
  encode(slot, header) {
    slot.setBigUint64(INODE_AT, BigInt(header.inode), true);
    slot.setUint32(INDEX_AT, header.index, true);
    slot.setUint32(FLAGS_AT, header.written ? FLAG_WRITTEN : 0, true);
    slot.setBigUint64(BYTE_LENGTH_AT, BigInt(header.byteLength), true);
  },
  decode(slot, sequence) {
    const inode = Number(slot.getBigUint64(INODE_AT, true));
    const byteLength = Number(slot.getBigUint64(BYTE_LENGTH_AT, true));
    if (!Number.isSafeInteger(inode) || !Number.isSafeInteger(byteLength)) return undefined;
    const index = slot.getUint32(INDEX_AT, true);
    const written = (slot.getUint32(FLAGS_AT, true) & FLAG_WRITTEN) !== 0;
    return { inode, index, byteLength, written, sequence };
  },
};

/** Bytes of an object that holds a region with `dataBytes` of data: its header and whole pages. It may have more. */
export function regionObjectBytes(dataBytes: number): number {
  return REGION_HEADER_BYTES + Math.ceil(dataBytes / 4096) * 4096;
}

/**
 * Writes a header into `page`, which has REGION_HEADER_BYTES, beside the one with the sequence before.
 * @throws ERR_CORRUPT where `header` has a sequence that none can have
 */
export function encodeRegionHeader(page: Uint8Array, header: RegionHeader): void {
  encodePage(page, `${header.inode}.${header.index}`, FORMAT, header);
}

/**
 * Reads the header of the object `name`.
 * @returns undefined for a page of zeros
 * @throws ERR_VERSION for another format, ERR_CORRUPT for anything else that is no header
 */
export function decodeRegionHeader(page: Uint8Array, name: string): RegionHeader | undefined {
  return decodePage(page, name, FORMAT);
}

/** The newer valid slot of a page that others may be changing; undefined where there is none. */
export function newestHeader(page: Uint8Array): RegionHeader | undefined {
  return newestSlot(page, FORMAT);
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
