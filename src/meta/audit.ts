import type { Key, KvReader, Value } from "../ports/kv.ts";
import { isDidafsError } from "../std/errors.ts";
import type { AuditRecord, Params } from "../wire/control.ts";
import { decodeEntry } from "./entry-record.ts";
import { decodeInode } from "./inode-record.ts";
import {
  entryName,
  leadingInode,
  removalOf,
  type Section,
  sectionOf,
  sectionRange,
  unknownRanges,
} from "./keys.ts";

/** Records of one page. */
const PAGE_RECORDS = 1024;
/** Bytes of keys and values after which a page ends; as text they take some six times as much at most. */
const PAGE_BYTES = 64 << 10;

/** What the metadata hold, as it lies there: one page of a section behind a key. Nothing that it meets makes it fail. */
export function audit(
  reader: KvReader,
  { section, after }: Params<"meta.audit">,
): { records: AuditRecord[]; next: string | undefined } {
  const behind = after === undefined ? undefined : Buffer.from(after, "hex");
  const records: AuditRecord[] = [];
  let bytes = 0;
  for (const [start, end] of rangesOf(section, behind)) {
    for (const [key, value] of reader.scan(start, end, PAGE_RECORDS - records.length)) {
      records.push(read(section, key, value));
      bytes += key.byteLength + value.byteLength;
      if (records.length >= PAGE_RECORDS || bytes >= PAGE_BYTES) return { records, next: hex(key) };
    }
  }
  return { records, next: undefined };
}

function rangesOf(section: Params<"meta.audit">["section"], after: Key | undefined): [Key, Key][] {
  if (section !== "unknown") return [sectionRange(section, after)];
  if (after === undefined) return unknownRanges();
  const start = Buffer.concat([after, Buffer.of(0)]);
  return unknownRanges()
    .filter(([, end]) => Buffer.compare(start, end) < 0)
    .map(([begin, end]) => [Buffer.compare(begin, start) < 0 ? start : begin, end]);
}

function read(section: Params<"meta.audit">["section"], key: Key, value: Value): AuditRecord {
  const damaged = (reason: string): AuditRecord => {
    const inode = section === "unknown" ? 0 : (leadingInode(key) ?? 0);
    return { kind: "damaged", section, inode, key: hex(key), reason };
  };
  if (section === "unknown") return damaged("no version of didafs that this one knows has such a record");
  try {
    return decode(section, key, value) ?? damaged("its key cannot be read");
  } catch (error) {
    if (!isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) throw error;
    return damaged(error.message);
  }
}

/** @throws ERR_CORRUPT, ERR_VERSION; undefined where the key is none of the section's */
function decode(section: Section, key: Key, value: Value): AuditRecord | undefined {
  if (section === "removals") {
    const region = removalOf(key);
    return region === undefined ? undefined : { kind: "removal", ...region, key: hex(key) };
  }
  const inode = leadingInode(key);
  if (inode === undefined) return undefined;
  if (section === "entries") {
    const name = entryName(key);
    return name === "" ? undefined : { kind: "entry", directory: inode, name, ...decodeEntry(value) };
  }
  if (section !== "xattrs" && key.byteLength !== NUMBERED_BYTES) return undefined;
  if (section === "inodes") {
    const { type, nlink, size, extent, ctimeMs, layout } = decodeInode(value);
    return { kind: "inode", inode, type, nlink, size, extent, ctimeMs, layout };
  }
  return { kind: "note", section, inode, key: hex(key) };
}

/** A letter and a number. */
const NUMBERED_BYTES = 9;

function hex(key: Key): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("hex");
}

/** What a record that stands for something is about, of a key in hex; undefined where that is no such record. */
export function keyedNote(
  key: Key,
): { section: Section; inode: number; index?: number; target?: string } | undefined {
  const section = sectionOf(key);
  if (section === undefined) return undefined;
  const about = section === "removals" ? removalOf(key) : { inode: leadingInode(key) ?? 0 };
  return about === undefined ? undefined : { section, ...about };
}
