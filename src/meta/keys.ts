import { KEY_BYTES_MAX, type Key } from "../ports/kv.ts";
import { bytesToText } from "../std/byte-text.ts";
import { DidafsError } from "../std/errors.ts";
import { nameBytes } from "./path.ts";

/**
 * The key space of the metadata, all of it. Numbers in keys are big-endian, so that their order as bytes is their
 * order as numbers; in values they are little-endian. Letters are ASCII; identities are 16 raw bytes; names are bytes.
 *
 *     key                                   value
 *     "F"                                   u16 format version | 16 bytes identity of the cluster
 *     "N"                                   u64 the first inode number that was never reserved
 *     "C"                                   u64 how many inodes there are
 *     "T"                                   16 bytes each: the targets that have ever registered
 *     "e" u64 directory | name              u64 inode | u8 type (entry-record.ts)
 *     "i" u64 inode                         the inode (inode-record.ts)
 *     "l" u64 inode                         what the symbolic link says
 *     "o" u64 inode                         nothing: an orphan, a file without a name that may still be open
 *     "r" target | u64 inode | u32 index    nothing: the target has still to remove this region
 *     "t" u64 inode                         nothing: a removed directory, whose entries are still to be removed
 *     "x" u64 inode | name                  the value of that extended attribute
 *
 * FORMAT_VERSION counts changes that an older program would misread. Letters are never reused.
 */
export const FORMAT_VERSION = 2;

export const ROOT_INODE = 1;

export const FORMAT_KEY: Key = Buffer.from("F");
export const NEXT_INODE_KEY: Key = Buffer.from("N");
export const INODE_COUNT_KEY: Key = Buffer.from("C");
export const TARGETS_KEY: Key = Buffer.from("T");

const ENTRY = 0x65;
const INODE = 0x69;
const LINK = 0x6c;
const ORPHAN = 0x6f;
const REMOVAL = 0x72;
const TRASH = 0x74;
const XATTR = 0x78;

const ID_BYTES = 16;
const U64_BYTES = 8;

function numbered(letter: number, number: number, extraBytes = 0): Buffer {
  const key = Buffer.alloc(1 + U64_BYTES + extraBytes);
  key[0] = letter;
  key.writeBigUInt64BE(BigInt(number), 1);
  return key;
}

function numberIn(key: Key, at: number): number {
  return Number(Buffer.from(key.buffer, key.byteOffset, key.byteLength).readBigUInt64BE(at));
}

/** @throws ERR_CORRUPT where the key is too short for a number, or the number too large */
function checkedNumberIn(key: Key, at: number): number {
  const number = key.byteLength < at + U64_BYTES ? Number.NaN : numberIn(key, at);
  if (!Number.isSafeInteger(number)) throw new DidafsError("ERR_CORRUPT", "a key in the metadata is damaged");
  return number;
}

export function inodeKey(inode: number): Key {
  return numbered(INODE, inode);
}

function named(letter: number, number: number, name: string): Key {
  return Buffer.concat([numbered(letter, number), nameBytes(name)]);
}

/** @returns [start, end) of what is named below `number`, from behind `after` on */
function namedRange(letter: number, number: number, after: string | undefined): [Key, Key] {
  const start = after === undefined ? numbered(letter, number) : behind(named(letter, number, after));
  return [start, numbered(letter, number + 1)];
}

/** The first key that there can be behind `key`. */
function behind(key: Key): Key {
  return Buffer.concat([key, Buffer.of(0)]);
}

function nameIn(key: Key): string {
  return bytesToText(key.subarray(1 + U64_BYTES));
}

export function entryKey(directory: number, name: string): Key {
  return named(ENTRY, directory, name);
}

/** @returns [start, end) of the entries of `directory` whose names come after `after` */
export function entryRange(directory: number, after?: string): [Key, Key] {
  return namedRange(ENTRY, directory, after);
}

export function entryName(key: Key): string {
  return nameIn(key);
}

export function xattrKey(inode: number, name: string): Key {
  return named(XATTR, inode, name);
}

export function xattrRange(inode: number): [Key, Key] {
  return namedRange(XATTR, inode, undefined);
}

export function xattrName(key: Key): string {
  return nameIn(key);
}

export function linkKey(inode: number): Key {
  return numbered(LINK, inode);
}

export function orphanKey(inode: number): Key {
  return numbered(ORPHAN, inode);
}

/** @returns [start, end) of the orphans with numbers from `first` on */
export function orphanRange(first: number): [Key, Key] {
  return [numbered(ORPHAN, first), Buffer.of(ORPHAN + 1)];
}

/** @throws ERR_CORRUPT */
export function orphanInode(key: Key): number {
  return checkedNumberIn(key, 1);
}

/** @param target 32 hex digits */
export function removalKey(target: string, inode: number, index: number): Key {
  const key = Buffer.alloc(1 + ID_BYTES + U64_BYTES + 4);
  key[0] = REMOVAL;
  key.write(target, 1, "hex");
  key.writeBigUInt64BE(BigInt(inode), 1 + ID_BYTES);
  key.writeUInt32BE(index, 1 + ID_BYTES + U64_BYTES);
  return key;
}

/** @returns [start, end) of the removals that `target` owes, from behind `after` on */
export function removalRange(target: string, after?: Key): [Key, Key] {
  const start = Buffer.concat([Buffer.of(REMOVAL), Buffer.from(target, "hex")]);
  const end = Buffer.concat([start, Buffer.alloc(U64_BYTES + 4, 0xff)]);
  return [after === undefined ? start : behind(after), end];
}

/** @throws ERR_CORRUPT */
export function removalRegion(key: Key): { inode: number; index: number } {
  const removal = removalOf(key);
  if (removal === undefined) throw new DidafsError("ERR_CORRUPT", "a key in the metadata is damaged");
  return { inode: removal.inode, index: removal.index };
}

export function trashKey(inode: number): Key {
  return numbered(TRASH, inode);
}

/** Of directories from number `from` on. */
export function trashRange(from: number): [Key, Key] {
  return [trashKey(from), Buffer.of(TRASH + 1)];
}

/** @throws ERR_CORRUPT */
export function trashInode(key: Key): number {
  return checkedNumberIn(key, 1);
}

/** The parts of the key space that hold one record for each key. */
const SECTION_LETTERS = {
  entries: ENTRY,
  inodes: INODE,
  links: LINK,
  orphans: ORPHAN,
  removals: REMOVAL,
  trash: TRASH,
  xattrs: XATTR,
} as const;

export type Section = keyof typeof SECTION_LETTERS;

const SECTIONS = Object.keys(SECTION_LETTERS) as Section[];

/** @returns the section that a key belongs to, if it is one of a record */
export function sectionOf(key: Key): Section | undefined {
  return SECTIONS.find((section) => SECTION_LETTERS[section] === key[0]);
}

/** @returns [start, end) of a section, from behind `after` on */
export function sectionRange(section: Section, after?: Key): [Key, Key] {
  const letter = SECTION_LETTERS[section];
  return [after === undefined ? Buffer.of(letter) : behind(after), Buffer.of(letter + 1)];
}

/** @returns [start, end) of each run of keys that no program knows; the last one may end at the largest key there can be */
export function unknownRanges(): [Key, Key][] {
  const singles = [FORMAT_KEY, NEXT_INODE_KEY, INODE_COUNT_KEY, TARGETS_KEY];
  const single = singles.map((key): [Key, Key] => [key, behind(key)]);
  const known = [...single, ...SECTIONS.map((section) => sectionRange(section))];
  known.sort(([a], [b]) => Buffer.compare(a, b));
  const ranges: [Key, Key][] = [];
  let start: Key = Buffer.of(0);
  for (const [begin, end] of known) {
    if (Buffer.compare(start, begin) < 0) ranges.push([start, begin]);
    start = end;
  }
  return [...ranges, [start, Buffer.alloc(KEY_BYTES_MAX, 0xff)]];
}

/** Of a key whose letter is followed by a number; undefined where it is too short, or too large a number. */
export function leadingInode(key: Key): number | undefined {
  if (key.byteLength < 1 + U64_BYTES) return undefined;
  const inode = numberIn(key, 1);
  return Number.isSafeInteger(inode) ? inode : undefined;
}

/** What the key of a removal names; undefined where it has another length, or too large a number. */
export function removalOf(key: Key): { target: string; inode: number; index: number } | undefined {
  if (key.byteLength !== 1 + ID_BYTES + U64_BYTES + 4) return undefined;
  const at = 1 + ID_BYTES;
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const inode = numberIn(key, at);
  const index = bytes.readUInt32BE(at + U64_BYTES);
  return Number.isSafeInteger(inode) ? { target: bytes.toString("hex", 1, at), inode, index } : undefined;
}
