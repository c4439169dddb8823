import { crc32 } from "node:zlib";
import { DidafsError } from "../std/errors.ts";

/**
 * The page at the front of an object on a drive, whatever the object is. Little-endian. Two slots hold the same fields; the
 * newer one whose checksum matches counts, and a change is written to the other. So a change that is cut off leaves what was
 * there before. Each slot lies in a sector of its own, which a drive writes whole or not at all.
 *
 *      0  slot 0 (even sequences)
 *   2048  slot 1 (odd sequences)
 *
 * A slot, 64 bytes, the same in every version of every kind but for its fields:
 *
 *      0  u8[8] magic
 *      8  u32 version | u32 headerBytes (4096)
 *     16  fields
 *     40  u64 sequence
 *     48  fields
 *     60  u32 crc32 of everything before it
 *
 * A page of zeros means: its making was cut off before the header was synced.
 */
export const HEADER_PAGE_BYTES = 4096;

const SLOT_BYTES = 64;
const SLOTS_AT = [0, 2048] as const;
const VERSION_AT = 8;
const HEADER_BYTES_AT = 12;
const SEQUENCE_AT = 40;
const CHECKSUM_AT = 60;

/** A page that says more than this is no work of ours, and leaves room to count on. */
const SEQUENCE_END = 2 ** 52;

/** One kind of page. */
export interface PageFormat<Header> {
  /** What such an object is called in messages. */
  readonly what: string;
  /** 8 bytes. */
  readonly magic: Uint8Array;
  readonly version: number;
  /** Writes the fields into a slot of zeros. */
  readonly encode: (slot: DataView, header: Header) => void;
  /** Reads the fields; undefined where they are none. */
  readonly decode: (slot: DataView, sequence: number) => Header | undefined;
}

/**
 * Writes `header` into `page`, beside the one with the sequence before.
 * @throws ERR_CORRUPT where it has a sequence that none can have
 */
export function encodePage<Header extends { readonly sequence: number }>(
  page: Uint8Array,
  name: string,
  format: PageFormat<Header>,
  header: Header,
): void {
  if (header.sequence >= SEQUENCE_END) {
    throw corruptPage(format.what, name, "its header was changed more often than any can be");
  }
  const slot = new Uint8Array(SLOT_BYTES);
  const view = new DataView(slot.buffer);
  slot.set(format.magic);
  view.setUint32(VERSION_AT, format.version, true);
  view.setUint32(HEADER_BYTES_AT, HEADER_PAGE_BYTES, true);
  view.setBigUint64(SEQUENCE_AT, BigInt(header.sequence), true);
  format.encode(view, header);
  view.setUint32(CHECKSUM_AT, crc32(slot.subarray(0, CHECKSUM_AT)), true);
  page.set(slot, SLOTS_AT[header.sequence % 2]);
}

/**
 * Reads the header of the object `name`.
 * @returns undefined for a page of zeros
 * @throws ERR_VERSION for another format, ERR_CORRUPT for anything else that is no header
 */
export function decodePage<Header extends { readonly sequence: number }>(
  page: Uint8Array,
  name: string,
  format: PageFormat<Header>,
): Header | undefined {
  if (page.length < HEADER_PAGE_BYTES) throw corruptPage(format.what, name, "it is shorter than its header");
  if (page.subarray(0, HEADER_PAGE_BYTES).every((byte) => byte === 0)) return undefined;
  const slots = SLOTS_AT.map((at) => page.slice(at, at + SLOT_BYTES));
  const found = newestSlot(page, format);
  // Beside a valid slot of ours an intact one counts only: a damaged one says nothing about any program.
  const looksRight = found === undefined ? hasMagic : isIntact;
  const other = slots
    .filter((slot) => looksRight(slot, format.magic))
    .map(versionOf)
    .find((version) => version !== format.version);
  if (other !== undefined) {
    throw new DidafsError(
      "ERR_VERSION",
      `${format.what} ${name} is in format ${other}; this program knows format ${format.version}. Use the version of DiDAFS that wrote it.`,
    );
  }
  if (found !== undefined) return found;
  throw corruptPage(format.what, name, "both copies of its header are damaged");
}

/** The newer valid slot of a page that others may be changing; undefined where there is none. */
export function newestSlot<Header extends { readonly sequence: number }>(
  page: Uint8Array,
  format: PageFormat<Header>,
): Header | undefined {
  let newest: Header | undefined;
  for (const [parity, at] of SLOTS_AT.entries()) {
    // A copy is checked, so that what was checked is what is used.
    const header = decodeSlot(page.slice(at, at + SLOT_BYTES), parity, format);
    if (header !== undefined && header.sequence >= (newest?.sequence ?? 0)) newest = header;
  }
  return newest;
}

/** The error for an object that contradicts itself. */
export function corruptPage(what: string, name: string, why: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `${what} ${name} cannot be used: ${why}.`);
}

function decodeSlot<Header>(
  slot: Uint8Array,
  parity: number,
  format: PageFormat<Header>,
): Header | undefined {
  const view = new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES);
  if (!isIntact(slot, format.magic) || versionOf(slot) !== format.version) return undefined;
  if (view.getUint32(HEADER_BYTES_AT, true) !== HEADER_PAGE_BYTES) return undefined;
  const sequence = Number(view.getBigUint64(SEQUENCE_AT, true));
  if (sequence >= SEQUENCE_END || sequence % 2 !== parity) return undefined;
  return format.decode(view, sequence);
}

/** Every format keeps the magic, the version and the checksum where they are. */
function isIntact(slot: Uint8Array, magic: Uint8Array): boolean {
  const view = new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES);
  return hasMagic(slot, magic) && view.getUint32(CHECKSUM_AT, true) === crc32(slot.subarray(0, CHECKSUM_AT));
}

function hasMagic(slot: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => slot[i] === byte);
}

function versionOf(slot: Uint8Array): number {
  return new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES).getUint32(VERSION_AT, true);
}
