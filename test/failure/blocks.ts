/**
 * The file of a block writer: a page of stamps, one word a slot, then the slots' blocks. Each 8-byte word of a block
 * holds the number of the write that it comes from, and a checksum of where it belongs.
 */
export const SLOTS = 24;
export const STAMPS_BYTES = 4096;
/** No multiple of a page, so that blocks of a striped file lie across regions. */
export const BLOCK_BYTES = 6000;
export const FILE_BYTES = STAMPS_BYTES + SLOTS * BLOCK_BYTES;
export const STRIPE_UNIT = 4096;
const WORD_BYTES = 8;
const STAMP_CHECK_BITS = 20;

export const blockAt = (slot: number): number => STAMPS_BYTES + slot * BLOCK_BYTES;
export const stampAt = (slot: number): number => slot * WORD_BYTES;

/** The numbers of the last write of a slot that was acknowledged, and of the last one that was begun; 0: none. */
export interface SlotRecord {
  acknowledged: number;
  begun: number;
}

export function newRecords(): SlotRecord[] {
  return Array.from({ length: SLOTS }, () => ({ acknowledged: 0, begun: 0 }));
}

/** Source of the mixing: MurmurHash3's finalizer (Austin Appleby). */
function mix(slot: number, index: number, write: number): number {
  let mixed = (write ^ Math.imul(slot + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** @param write 0 stands for a block that was never written, which is zeros */
export function block(slot: number, write: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  if (write > 0) {
    for (let at = 0; at < words.length; at += 2) {
      words[at] = write;
      words[at + 1] = mix(slot, at, write);
    }
  }
  return new Uint8Array(words.buffer);
}

export function stamp(slot: number, write: number): number {
  return write * 2 ** STAMP_CHECK_BITS + (mix(slot, -1, write) >>> (32 - STAMP_CHECK_BITS));
}

/** @returns the number of the write that a stamp is of; undefined for what is no stamp of this slot */
export function writeOfStamp(slot: number, word: number): number | undefined {
  if (word === 0) return 0;
  const write = Math.floor(word / 2 ** STAMP_CHECK_BITS);
  return stamp(slot, write) === word ? write : undefined;
}

/** @returns what is wrong with a slot of a writer's file, given all of the file's bytes */
export function slotFault(file: Uint8Array, slot: number, record: SlotRecord): string | undefined {
  const { acknowledged, begun } = record;
  const view = new DataView(file.buffer, file.byteOffset);
  const stamped = writeOfStamp(slot, Number(view.getBigInt64(stampAt(slot), true)));
  const allowed = `writes ${acknowledged} to ${begun} are possible`;
  if (stamped === undefined) return `slot ${slot}: its stamp is torn`;
  if (stamped < acknowledged || stamped > begun) return `slot ${slot}: stamp of write ${stamped}, ${allowed}`;
  const found = file.subarray(blockAt(slot), blockAt(slot) + BLOCK_BYTES);
  const possible = Array.from({ length: begun - acknowledged + 1 }, (_, at) =>
    block(slot, acknowledged + at),
  );
  for (let at = 0; at < BLOCK_BYTES; at += WORD_BYTES) {
    if (possible.some((bytes) => sameWord(found, bytes, at))) continue;
    // Accesses above 8 bytes may tear where their payload came in two pieces: then each byte is of a possible write.
    const end = at + WORD_BYTES;
    const torn = found.subarray(at, end).every((byte, i) => possible.some((bytes) => bytes[at + i] === byte));
    if (torn) continue;
    const write = view.getUint32(blockAt(slot) + at, true);
    return `slot ${slot}: byte ${at} of its block is of write ${write}, ${allowed}`;
  }
  return undefined;
}

function sameWord(a: Uint8Array, b: Uint8Array, at: number): boolean {
  for (let i = at; i < at + WORD_BYTES; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
