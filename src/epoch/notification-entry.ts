/**
 * One notification, as it lies in a queue:
 *
 *     32-bit words
 *       0  u64 at         first byte of the access, in its region; of one in parts that of the last part
 *       2  u64 length     bytes from there
 *       4  u32 source
 *       5  u32 tag
 *       6  u32 sequence   in its queue: 0, 1, 2 ... without a hole, modulo 2^32
 *       7  u32 stamp      of the board that its queue is on; 0 where it is on none
 *       8  u64 before     bytes of the access that came in parts before that one
 *
 * u64 lie low half first, and are safe integers.
 */
export const ENTRY_WORDS = 10;

const AT = 0;
const LENGTH = 2;
const SOURCE = 4;
const TAG = 5;
const SEQUENCE = 6;
const STAMP = 7;
const BEFORE = 8;
const TWO_32 = 2 ** 32;

/** Writes all but the sequence and the stamp, which are the queue's to give. */
export function encodeEntry(
  words: Int32Array,
  entry: number,
  at: number,
  length: number,
  source: number,
  tag: number,
  before: number,
): void {
  putSafe(words, entry + AT, at);
  putSafe(words, entry + LENGTH, length);
  words[entry + SOURCE] = source;
  words[entry + TAG] = tag;
  putSafe(words, entry + BEFORE, before);
}

export function setEntryOrder(words: Int32Array, entry: number, sequence: number, stamp: number): void {
  words[entry + SEQUENCE] = sequence;
  words[entry + STAMP] = stamp;
}

export function copyEntry(from: Int32Array, fromEntry: number, into: Int32Array, intoEntry: number): void {
  for (let i = 0; i < ENTRY_WORDS; i += 1) into[intoEntry + i] = from[fromEntry + i] as number;
}

/** First byte of the access, in its region. */
export function entryAt(words: Int32Array, entry: number): number {
  return takeSafe(words, entry + AT);
}

/** Bytes of the access. */
export function entryLength(words: Int32Array, entry: number): number {
  return takeSafe(words, entry + LENGTH);
}

export function entrySource(words: Int32Array, entry: number): number {
  return (words[entry + SOURCE] as number) >>> 0;
}

export function entryTag(words: Int32Array, entry: number): number {
  return (words[entry + TAG] as number) >>> 0;
}

export function entrySequence(words: Int32Array, entry: number): number {
  return (words[entry + SEQUENCE] as number) >>> 0;
}

export function entryStamp(words: Int32Array, entry: number): number {
  return (words[entry + STAMP] as number) >>> 0;
}

/** Bytes of the access that came in parts before. */
export function entryBefore(words: Int32Array, entry: number): number {
  return takeSafe(words, entry + BEFORE);
}

function putSafe(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = (value / TWO_32) | 0;
}

function takeSafe(words: Int32Array, at: number): number {
  return (words[at + 1] as number) * TWO_32 + ((words[at] as number) >>> 0);
}
