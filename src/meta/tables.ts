import type { KvReader, KvTransaction } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";
import { decodeEntry, type Entry, encodeEntry } from "./entry-record.ts";
import { decodeInode, encodeInode, type Inode } from "./inode-record.ts";
import { entryKey, entryName, entryRange, inodeKey, removalKey } from "./keys.ts";

/** Typed access to what the key space holds (keys.ts). */

/** @throws ERR_CORRUPT when there is none: whoever asks has its number from an entry */
export function getInode(reader: KvReader, inode: number): Inode {
  const value = reader.get(inodeKey(inode));
  if (value === undefined) throw new DidafsError("ERR_CORRUPT", `inode ${inode} is missing in the metadata`);
  return decodeInode(value);
}

export function setInode(transaction: KvTransaction, inode: number, record: Inode): void {
  transaction.set(inodeKey(inode), encodeInode(record));
}

export function getEntry(reader: KvReader, directory: number, name: string): Entry | undefined {
  const value = reader.get(entryKey(directory, name));
  return value === undefined ? undefined : decodeEntry(value);
}

/** Entries in name order (as bytes), behind `after`. */
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

/** Adds, replaces or (with undefined) deletes an entry, and changes the directory's time. */
export function putEntry(
  transaction: KvTransaction,
  directory: number,
  name: string,
  entry: Entry | undefined,
  wallMs: number,
): void {
  const key = entryKey(directory, name);
  if (entry === undefined) transaction.delete(key);
  else transaction.set(key, encodeEntry(entry));
  setInode(transaction, directory, { ...getInode(transaction, directory), mtimeMs: wallMs });
}

/** Deletes a file's inode and notes that its regions are to be removed. @returns the targets that hold them */
export function discardFile(transaction: KvTransaction, inode: number): string[] {
  const regions = getInode(transaction, inode).layout?.regions ?? [];
  transaction.delete(inodeKey(inode));
  for (const [index, { target }] of regions.entries()) noteRemoval(transaction, target, inode, index);
  return regions.map(({ target }) => target);
}

export function noteRemoval(transaction: KvTransaction, target: string, inode: number, index: number): void {
  transaction.set(removalKey(target, inode, index), new Uint8Array(0));
}
