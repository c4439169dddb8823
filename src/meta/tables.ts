import type { KvReader, KvTransaction } from "../ports/kv.ts";
import { bytesToText } from "../std/byte-text.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { decodeCount, encodeCount } from "./count-record.ts";
import { decodeEntry, type Entry, encodeEntry } from "./entry-record.ts";
import { decodeInode, encodeInode, type Inode } from "./inode-record.ts";
import {
  entryKey,
  entryName,
  entryRange,
  INODE_COUNT_KEY,
  inodeKey,
  linkKey,
  orphanKey,
  removalKey,
  xattrKey,
  xattrName,
  xattrRange,
} from "./keys.ts";
import { nameBytes } from "./path.ts";

/** Typed access to what the key space holds (keys.ts). */

export function findInode(reader: KvReader, inode: number): Inode | undefined {
  const value = reader.get(inodeKey(inode));
  return value === undefined ? undefined : decodeInode(value);
}

/** @throws ERR_CORRUPT when there is none: whoever asks has its number from an entry */
export function getInode(reader: KvReader, inode: number): Inode {
  const record = findInode(reader, inode);
  if (record === undefined) throw missing(`inode ${inode}`);
  return record;
}

function setInode(transaction: KvTransaction, inode: number, record: Inode): void {
  transaction.set(inodeKey(inode), encodeInode(record));
}

/** Changes a part of an inode, and its ctime. */
export function changeInode(
  transaction: KvTransaction,
  inode: number,
  change: Partial<Inode>,
  wallMs: number,
): Inode {
  const record = { ...getInode(transaction, inode), ctimeMs: wallMs, ...change };
  setInode(transaction, inode, record);
  return record;
}

/** Puts in an inode with a number that none had. */
export function addInode(transaction: KvTransaction, inode: number, record: Inode): void {
  setInode(transaction, inode, record);
  setCount(transaction, countInodes(transaction) + 1);
}

/** Takes out an inode and all that is kept below its number, but for a directory's entries. */
export function dropInode(transaction: KvTransaction, inode: number): void {
  transaction.delete(inodeKey(inode));
  transaction.delete(linkKey(inode));
  transaction.delete(orphanKey(inode));
  for (const name of listXattrs(transaction, inode)) deleteXattr(transaction, inode, name);
  setCount(transaction, countInodes(transaction) - 1);
}

/** @throws ERR_CORRUPT */
export function countInodes(reader: KvReader): number {
  const value = reader.get(INODE_COUNT_KEY);
  return value === undefined ? 0 : decodeCount(value, "the number of inodes");
}

export function setCount(transaction: KvTransaction, count: number): void {
  transaction.set(INODE_COUNT_KEY, encodeCount(count));
}

export function getEntry(reader: KvReader, directory: number, name: string): Entry | undefined {
  const value = reader.get(entryKey(directory, name));
  return value === undefined ? undefined : decodeEntry(value);
}

/** Entries in the order of their names as bytes, behind `after`. */
export function listEntries(
  reader: KvReader,
  directory: number,
  after: string | undefined,
  limit: number,
): { readonly name: string; readonly entry: Entry }[] {
  const [start, end] = entryRange(directory, after);
  return Array.from(reader.scan(start, end, limit), ([key, value]) => ({
    name: entryName(key),
    entry: decodeEntry(value),
  }));
}

export function hasEntries(reader: KvReader, directory: number): boolean {
  const [start, end] = entryRange(directory);
  return [...reader.scan(start, end, 1)].length > 0;
}

/** Puts a name into a directory where none is, and changes the directory's times; one of a directory counts there. */
export function addEntry(
  transaction: KvTransaction,
  directory: number,
  name: string,
  entry: Entry,
  wallMs: number,
): void {
  transaction.set(entryKey(directory, name), encodeEntry(entry));
  noteChange(transaction, directory, entry.type === "directory" ? 1 : 0, wallMs);
}

/** Takes a name out of a directory, as addEntry puts it in. */
export function dropEntry(
  transaction: KvTransaction,
  directory: number,
  name: string,
  entry: Entry,
  wallMs: number,
): void {
  transaction.delete(entryKey(directory, name));
  noteChange(transaction, directory, entry.type === "directory" ? -1 : 0, wallMs);
}

function noteChange(transaction: KvTransaction, directory: number, links: number, wallMs: number): void {
  const { nlink } = getInode(transaction, directory);
  changeInode(transaction, directory, { nlink: nlink + links, mtimeMs: wallMs }, wallMs);
}

/** What a symbolic link says. */
export function getLink(reader: KvReader, inode: number): string {
  const value = reader.get(linkKey(inode));
  if (value === undefined) throw missing(`what symbolic link ${inode} says`);
  return bytesToText(value);
}

export function setLink(transaction: KvTransaction, inode: number, target: string): void {
  transaction.set(linkKey(inode), nameBytes(target));
}

export function getXattr(reader: KvReader, inode: number, name: string): Uint8Array | undefined {
  return reader.get(xattrKey(inode, name));
}

/** Names, in the order of their bytes. Whoever sets attributes bounds their number. */
export function listXattrs(reader: KvReader, inode: number): string[] {
  const [start, end] = xattrRange(inode);
  return Array.from(reader.scan(start, end, Number.MAX_SAFE_INTEGER), ([key]) => xattrName(key));
}

export function setXattr(transaction: KvTransaction, inode: number, name: string, value: Uint8Array): void {
  transaction.set(xattrKey(inode, name), value);
}

export function deleteXattr(transaction: KvTransaction, inode: number, name: string): void {
  transaction.delete(xattrKey(inode, name));
}

/** Takes out a file and notes that its regions are to be removed. @returns the targets that hold them */
export function discardFile(transaction: KvTransaction, inode: number): string[] {
  const regions = getInode(transaction, inode).layout?.regions ?? [];
  dropInode(transaction, inode);
  for (const [index, { target }] of regions.entries()) noteRemoval(transaction, target, inode, index);
  return regions.map(({ target }) => target);
}

/** A file has lost its last name while somebody has it open. */
export function addOrphan(transaction: KvTransaction, inode: number, wallMs: number): void {
  transaction.set(orphanKey(inode), new Uint8Array(0));
  changeInode(transaction, inode, { nlink: 0 }, wallMs);
}

export function noteRemoval(transaction: KvTransaction, target: string, inode: number, index: number): void {
  transaction.set(removalKey(target, inode, index), new Uint8Array(0));
}

/** The error of a record that this program cannot read: it is damaged, or of another version. */
export function isUnreadable(error: unknown): error is DidafsError {
  return isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION");
}

function missing(what: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `${what} is missing in the metadata`);
}
