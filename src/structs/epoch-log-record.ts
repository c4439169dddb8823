/**
 * The head of a record in an epoch log's ring; the body follows. Little-endian. A record begins at a multiple of 8 bytes, and
 * both may go on at the ring's beginning.
 *
 *      0  u32 byteLength (head and body) | u32 checksum
 *      8  u64 position (where it begins, over all laps)
 *     16  u32 life (that appended it) | u16 kind | u16 zero
 *     24  body
 *
 * The checksum is the crc32 of head and body, with zeros in its own place, begun with the log's secret.
 */
export const RECORD_HEAD_BYTES = 24;

const BYTE_LENGTH_AT = 0;
const CHECKSUM_AT = 4;
const POSITION_AT = 8;
const LIFE_AT = 16;
const KIND_AT = 20;
const ZERO_AT = 22;

const TWO_32 = 2 ** 32;

/** Writes a head without its checksum. */
export function encodeRecordHead(
  head: DataView,
  byteLength: number,
  position: number,
  life: number,
  kind: number,
): void {
  head.setUint32(BYTE_LENGTH_AT, byteLength, true);
  head.setUint32(CHECKSUM_AT, 0, true);
  head.setUint32(POSITION_AT, position, true);
  head.setUint32(POSITION_AT + 4, position / TWO_32, true);
  head.setUint32(LIFE_AT, life, true);
  head.setUint16(KIND_AT, kind, true);
  head.setUint16(ZERO_AT, 0, true);
}

/** The last to be written. */
export function setRecordChecksum(head: DataView, checksum: number): void {
  head.setUint32(CHECKSUM_AT, checksum, true);
}

/** Reads the checksum and leaves zeros in its place, over which it was made. */
export function takeRecordChecksum(head: DataView): number {
  const checksum = head.getUint32(CHECKSUM_AT, true);
  head.setUint32(CHECKSUM_AT, 0, true);
  return checksum;
}

export function recordByteLength(head: DataView): number {
  return head.getUint32(BYTE_LENGTH_AT, true);
}

export function recordPosition(head: DataView): number {
  return head.getUint32(POSITION_AT, true) + head.getUint32(POSITION_AT + 4, true) * TWO_32;
}

export function recordLife(head: DataView): number {
  return head.getUint32(LIFE_AT, true);
}

export function recordKind(head: DataView): number {
  return head.getUint16(KIND_AT, true);
}
