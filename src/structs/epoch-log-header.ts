import { corruptPage, decodePage, encodePage, HEADER_PAGE_BYTES, type PageFormat } from "./header-page.ts";

/**
 * The first page of a worker's epoch log (header-page.ts); the ring follows. A slot's fields; the rest is zero:
 *
 *      0  magic "DIDAFSEL"
 *     16  u64 ringBytes
 *     24  u64 start (position of the first record that is needed)
 *     32  u64 lifeStart (position at which the records of `life` begin)
 *     48  u32 life | u32 secret
 *
 * A page of zeros is an empty log that nothing was ever appended to.
 */
export const EPOCH_LOG_HEADER_BYTES: number = HEADER_PAGE_BYTES;

const RING_BYTES_AT = 16;
const START_AT = 24;
const LIFE_START_AT = 32;
const LIFE_AT = 48;
const SECRET_AT = 52;

/** Records, and so the ring, are made of units of so many bytes. */
export const RECORD_UNIT_BYTES = 8;
/** Positions are below it: more bytes than any log ever gets. */
const POSITION_END = 2 ** 52;
const LIFE_MAX = 2 ** 32 - 1;
/** The length of a record is a u32. */
const RING_BYTES_MAX = 2 ** 32 - RECORD_UNIT_BYTES;

/** What a log's header says. Positions count the bytes of all laps; the place in the ring is what is left modulo ringBytes. */
export interface EpochLogHeader {
  readonly ringBytes: number;
  readonly start: number;
  readonly lifeStart: number;
  /** How often the log has been opened to be written. */
  readonly life: number;
  /** What every checksum begins with, u32. Origins choose what lies in the ring, and must not be able to make a record of it. */
  readonly secret: number;
  /** Changes of the header; below 2^52. */
  readonly sequence: number;
}

const WHAT = "Epoch log";
const FORMAT: PageFormat<EpochLogHeader> = {
  what: WHAT,
  magic: new TextEncoder().encode("DIDAFSEL"),
  // 2: names of epochs have a secret.
  version: 2,
  encode(slot, header) {
    slot.setBigUint64(RING_BYTES_AT, BigInt(header.ringBytes), true);
    slot.setBigUint64(START_AT, BigInt(header.start), true);
    slot.setBigUint64(LIFE_START_AT, BigInt(header.lifeStart), true);
    slot.setUint32(LIFE_AT, header.life, true);
    slot.setUint32(SECRET_AT, header.secret, true);
  },
  decode(slot, sequence) {
    const header = {
      ringBytes: Number(slot.getBigUint64(RING_BYTES_AT, true)),
      start: Number(slot.getBigUint64(START_AT, true)),
      lifeStart: Number(slot.getBigUint64(LIFE_START_AT, true)),
      life: slot.getUint32(LIFE_AT, true),
      secret: slot.getUint32(SECRET_AT, true),
      sequence,
    };
    return isPossible(header) ? header : undefined;
  },
};

/** True for the bytes of a ring that there can be. */
export function isRingBytes(ringBytes: number): boolean {
  return ringBytes > 0 && ringBytes <= RING_BYTES_MAX && ringBytes % RECORD_UNIT_BYTES === 0;
}

/**
 * Writes a header into `page`, which has EPOCH_LOG_HEADER_BYTES, beside the one with the sequence before.
 * @throws ERR_CORRUPT where it has counted further than any can
 */
export function encodeEpochLogHeader(page: Uint8Array, name: string, header: EpochLogHeader): void {
  if (!isPossible(header)) throw corruptLog(name, "it has counted further than any can");
  encodePage(page, name, FORMAT, header);
}

/**
 * Reads the header of the log `name`.
 * @returns undefined for a page of zeros
 * @throws ERR_VERSION for another format, ERR_CORRUPT for anything else that is no header
 */
export function decodeEpochLogHeader(page: Uint8Array, name: string): EpochLogHeader | undefined {
  return decodePage(page, name, FORMAT);
}

/** The error for a log that contradicts itself. */
export function corruptLog(name: string, why: string): Error {
  return corruptPage(WHAT, name, why);
}

function isPossible({ ringBytes, start, lifeStart, life }: EpochLogHeader): boolean {
  if (!isRingBytes(ringBytes) || life < 1 || life > LIFE_MAX) return false;
  return isPosition(start) && isPosition(lifeStart) && lifeStart - start <= ringBytes;
}

function isPosition(position: number): boolean {
  return position < POSITION_END && position % RECORD_UNIT_BYTES === 0;
}
