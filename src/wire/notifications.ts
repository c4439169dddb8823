/**
 * What queues of notifications are asked for, and what they tell. Numbers are little-endian.
 *
 *     a queue (payload of QUEUE_OPEN)            a notification (payload of the answer to NOTIFY_NEXT)
 *      0  u64 at: of the range, in the binding    0  u64 at: first byte of the access's last part, in its region
 *      8  u64 length: of the range                8  u64 before: bytes of the access in front of that part
 *     16  u32 number, the session's own choice   16  u32 sequence: 0, 1, 2 ... in its queue, modulo 2^32
 *     20  u32 capacity, in notifications         20  u32 stamp (structs/notice-board.ts)
 *     24  u32 flags                              24  u32 length: bytes of the last part
 *     28  u32 tag                                28  u32 tag
 *     32  u8[32] source                          32  u8[32] source
 *
 * A source is the public key of an origin. Notifications of queues that are on no board have the stamp 0.
 */
export const QUEUE_BYTES = 64;
export const NOTICE_BYTES = 64;
const SOURCE_BYTES = 32;
/** What a GET_NOTIFY covers at most: the bytes are copied, because whoever is told may write there. */
export const NOTIFIED_GET_BYTES_MAX: number = 64 << 10;
/** What one answer tells at most. */
export const NOTICES_MAX = 64;

/** It keeps no notification, and counts them; `capacity` is zero then. */
const COUNTS = 1;
/** It lets in any tag, or any source; the field is zero then. */
const ANY_TAG = 2;
const ANY_SOURCE = 4;
/** It is to be on the board of its region, where there is one with a place left. Only lists that let in any source can be. */
const ON_BOARD = 8;

/** What a queue lets in, and how it keeps it. */
export interface QueueRequest {
  readonly at: number;
  readonly length: number;
  readonly number: number;
  /** Undefined: it counts. */
  readonly capacity: number | undefined;
  /** Undefined: any. */
  readonly tag: number | undefined;
  /** In hexadecimal digits; undefined: any. */
  readonly source: string | undefined;
  /** Default: false. */
  readonly onBoard?: boolean | undefined;
}

export function encodeQueue(request: QueueRequest): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(QUEUE_BYTES);
  const view = new DataView(bytes.buffer);
  const { at, length, number, capacity, tag, source, onBoard = false } = request;
  view.setBigUint64(0, BigInt(at), true);
  view.setBigUint64(8, BigInt(length), true);
  view.setUint32(16, number, true);
  view.setUint32(20, capacity ?? 0, true);
  const flags =
    (capacity === undefined ? COUNTS : 0) |
    (tag === undefined ? ANY_TAG : 0) |
    (source === undefined ? ANY_SOURCE : 0) |
    (onBoard ? ON_BOARD : 0);
  view.setUint32(24, flags, true);
  view.setUint32(28, tag ?? 0, true);
  if (source !== undefined) bytes.set(Buffer.from(source, "hex"), 32);
  return bytes;
}

/** @returns undefined for what no client of ours sends */
export function decodeQueue(bytes: Uint8Array): QueueRequest | undefined {
  if (bytes.length !== QUEUE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint32(24, true);
  const capacity = view.getUint32(20, true);
  const tag = view.getUint32(28, true);
  const source = Buffer.from(bytes.subarray(32, 32 + SOURCE_BYTES)).toString("hex");
  const isClean =
    flags <= (COUNTS | ANY_TAG | ANY_SOURCE | ON_BOARD) &&
    ((flags & ON_BOARD) === 0 || (flags & (COUNTS | ANY_SOURCE)) === ANY_SOURCE) &&
    ((flags & COUNTS) === 0 || capacity === 0) &&
    ((flags & ANY_TAG) === 0 || tag === 0) &&
    ((flags & ANY_SOURCE) === 0 || /^0*$/.test(source));
  if (!isClean) return undefined;
  return {
    at: Number(view.getBigUint64(0, true)),
    length: Number(view.getBigUint64(8, true)),
    number: view.getUint32(16, true),
    capacity: (flags & COUNTS) === 0 ? capacity : undefined,
    tag: (flags & ANY_TAG) === 0 ? tag : undefined,
    source: (flags & ANY_SOURCE) === 0 ? source : undefined,
    onBoard: (flags & ON_BOARD) !== 0,
  };
}

export interface Notice {
  /** First byte of the access's last part, in its region, and how many bytes it has. */
  readonly at: number;
  readonly length: number;
  /** Bytes of the access in front of that part. */
  readonly before: number;
  /** Of its queue, or of its ring on a board; modulo 2^32. */
  readonly sequence: number;
  /** When it was told, as the region's board counts (structs/notice-board.ts); 0 where it has none. */
  readonly stamp: number;
  readonly tag: number;
  /** In hexadecimal digits. */
  readonly source: string;
}

/** Writes the notice of that place in `bytes`. @param source SOURCE_BYTES */
export function encodeNotice(
  bytes: Uint8Array,
  place: number,
  notice: Omit<Notice, "source">,
  source: Uint8Array,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + place * NOTICE_BYTES, NOTICE_BYTES);
  view.setBigUint64(0, BigInt(notice.at), true);
  view.setBigUint64(8, BigInt(notice.before), true);
  view.setUint32(16, notice.sequence, true);
  view.setUint32(20, notice.stamp, true);
  view.setUint32(24, notice.length, true);
  view.setUint32(28, notice.tag, true);
  bytes.set(source, place * NOTICE_BYTES + 32);
}

/** Reads the notice of that place, which is all there; numbers that are not exact are above every length. */
export function decodeNotice(bytes: Uint8Array, place: number): Notice {
  const at = place * NOTICE_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, NOTICE_BYTES);
  return {
    at: Number(view.getBigUint64(0, true)),
    before: Number(view.getBigUint64(8, true)),
    sequence: view.getUint32(16, true),
    stamp: view.getUint32(20, true),
    length: view.getUint32(24, true),
    tag: view.getUint32(28, true),
    source: Buffer.from(bytes.subarray(at + 32, at + NOTICE_BYTES)).toString("hex"),
  };
}
