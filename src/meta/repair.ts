import type { Key, KvReader, KvTransaction } from "../ports/kv.ts";
import { textToBytes } from "../std/byte-text.ts";
import { isDidafsError } from "../std/errors.ts";
import type { Problem } from "../wire/control.ts";
import { keyedNote } from "./audit.ts";
import { decodeEntry, type Entry, encodeEntry } from "./entry-record.ts";
import { decodeInode, type Inode } from "./inode-record.ts";
import { entryKey, inodeKey, linkKey, orphanKey, ROOT_INODE, sectionOf, trashKey } from "./keys.ts";
import { DIRECTORY_MODE_DEFAULT, newInode } from "./new-inode.ts";
import { nextInodeOf, setNextInode } from "./store.ts";
import { addEntry, addInode, changeInode, getInode } from "./tables.ts";

/** Inode numbers are below 2^53. A repair that went on behind a higher one than this would use them up. */
const REPAIRED_INODE_END = 2 ** 52;

/** Where inodes without a name get one: their number. */
const LOST_FOUND = "lost+found";

export type NameProblem = Exclude<Problem, { kind: `${string}-region` } | { kind: "wrong-inode-count" }>;

export interface Repairing {
  readonly wallMs: number;
  /** For LOST_FOUND, where it has to be made. */
  readonly freshInode: number;
}

/** What a look at a problem finds: it is not there (any more), it can be put right, or not by us. */
export type Diagnosis =
  | "gone"
  | { readonly refusal: string }
  | { readonly fix: (transaction: KvTransaction, repairing: Repairing) => void };

const GONE = "gone";

/**
 * Looks at a problem of the name space, in one snapshot or transaction. A fix belongs to the transaction that it was
 * found in.
 */
export function diagnose(reader: KvReader, problem: NameProblem): Diagnosis {
  switch (problem.kind) {
    case "dangling-entry":
    case "wrong-type-entry":
    case "stray-entry":
    case "second-entry":
      return diagnoseEntry(reader, problem);
    case "nameless-inode":
      return diagnoseNameless(reader, problem);
    case "wrong-nlink": {
      const { inode, ctimeMs, nlink } = problem;
      const record = lookUp(reader, inode);
      if (record === undefined || record === "damaged") return GONE;
      if (record.ctimeMs !== ctimeMs || record.nlink === nlink) return GONE;
      return { fix: (kv, { wallMs }) => void changeInode(kv, inode, { nlink }, wallMs) };
    }
    case "directory-loop":
      return diagnoseLoop(reader, problem);
    case "silent-link": {
      const record = lookUp(reader, problem.inode);
      const isThere = record !== undefined && record !== "damaged" && record.type === "symlink";
      if (!isThere || reader.get(linkKey(problem.inode)) !== undefined) return GONE;
      return { refusal: "nobody knows what the link said; remove it, and make it again" };
    }
    case "stray-record":
      return diagnoseStray(reader, Buffer.from(problem.key, "hex"));
    case "damaged-record":
      return diagnoseDamaged(reader, Buffer.from(problem.key, "hex"));
    case "low-inode-number":
      if (nextInodeOf(reader) > problem.inode) return GONE;
      if (problem.inode >= REPAIRED_INODE_END) {
        return { refusal: `no number can come behind ${problem.inode}: remove what has it` };
      }
      return { fix: (kv) => setNextInode(kv, problem.inode + 1) };
  }
}

type EntryProblem = Extract<NameProblem, { kind: `${string}-entry` }>;

function diagnoseEntry(reader: KvReader, problem: EntryProblem): Diagnosis {
  const { directory, name, inode } = problem;
  const entry = entryAt(reader, directory, name);
  if (entry?.inode !== inode) return GONE;
  const record = lookUp(reader, inode);
  const drop = (kv: KvTransaction, wallMs: number): void => dropName(kv, directory, name, entry, wallMs);
  switch (problem.kind) {
    case "dangling-entry":
      return record === undefined ? { fix: (kv, { wallMs }) => drop(kv, wallMs) } : GONE;
    case "wrong-type-entry": {
      if (record === undefined || record === "damaged" || record.type === entry.type) return GONE;
      const right = { inode, type: record.type };
      return { fix: (kv) => kv.set(entryKey(directory, name), encodeEntry(right)) };
    }
    case "stray-entry": {
      const holder = lookUp(reader, directory);
      const isHeld = holder === "damaged" || holder?.type === "directory";
      if (isHeld || reader.get(trashKey(directory)) !== undefined) return GONE;
      return {
        fix: (kv, repairing) => {
          kv.delete(entryKey(directory, name));
          if (record === undefined || record === "damaged" || hasNameInLostFound(kv, inode)) return;
          nameInLostFound(kv, inode, record.type, repairing);
        },
      };
    }
    case "second-entry": {
      const { other } = problem;
      const kept = entryAt(reader, other.directory, other.name);
      const isSame = other.directory === directory && other.name === name;
      if (isSame || kept?.inode !== inode || entry.type !== "directory") return GONE;
      return { fix: (kv, { wallMs }) => drop(kv, wallMs) };
    }
  }
}

function diagnoseNameless(
  reader: KvReader,
  { inode, ctimeMs }: Extract<NameProblem, { kind: "nameless-inode" }>,
): Diagnosis {
  const record = lookUp(reader, inode);
  if (record === undefined || record === "damaged" || inode === ROOT_INODE) return GONE;
  if (record.ctimeMs !== ctimeMs || reader.get(orphanKey(inode)) !== undefined) return GONE;
  const place = lostFoundPlace(reader);
  if (typeof place === "object") return place;
  if (place !== undefined && entryAt(reader, place, String(inode)) !== undefined) {
    return { refusal: `/${LOST_FOUND}/${inode} is taken; rename it` };
  }
  return {
    fix: (kv, repairing) => {
      nameInLostFound(kv, inode, record.type, repairing);
      const nlink = record.type === "directory" ? record.nlink : 1;
      changeInode(kv, inode, { nlink }, repairing.wallMs);
    },
  };
}

function diagnoseLoop(
  reader: KvReader,
  { entries }: Extract<NameProblem, { kind: "directory-loop" }>,
): Diagnosis {
  const [first] = entries;
  if (first === undefined) return GONE;
  for (const [at, { directory, name, inode }] of entries.entries()) {
    const next = entries[(at + 1) % entries.length];
    if (entryAt(reader, directory, name)?.inode !== inode || next?.directory !== inode) return GONE;
  }
  const place = lostFoundPlace(reader);
  if (typeof place === "object") return place;
  return {
    fix: (kv, repairing) => {
      const entry = { inode: first.inode, type: "directory" as const };
      dropName(kv, first.directory, first.name, entry, repairing.wallMs);
      nameInLostFound(kv, first.inode, "directory", repairing);
    },
  };
}

/** A record about an inode that does not need it. */
function diagnoseStray(reader: KvReader, key: Key): Diagnosis {
  const about = keyedNote(key);
  if (about === undefined || reader.get(key) === undefined) return GONE;
  const { section, inode, index, target } = about;
  const record = lookUp(reader, inode);
  if (record === "damaged") return GONE;
  const isStray = {
    links: record?.type !== "symlink",
    orphans: record === undefined || record.nlink > 0,
    xattrs: record === undefined,
    // A living file's region, or a living directory, would be removed.
    removals: record !== undefined && record.layout?.regions[index ?? 0]?.target === target,
    trash: record !== undefined,
    entries: false,
    inodes: false,
  }[section];
  return isStray ? { fix: (kv) => kv.delete(key) } : GONE;
}

function diagnoseDamaged(reader: KvReader, key: Key): Diagnosis {
  const value = reader.get(key);
  if (value === undefined) return GONE;
  const section = sectionOf(key);
  if (section === "entries" && fails(() => decodeEntry(value))) {
    return { fix: (kv) => kv.delete(key) };
  }
  if (section === "inodes" && !fails(() => decodeInode(value))) return GONE;
  return { refusal: "what it held is not known; restore the metadata from a copy" };
}

/** An inode that may be there and damaged. */
function lookUp(reader: KvReader, inode: number): Inode | "damaged" | undefined {
  const value = reader.get(inodeKey(inode));
  if (value === undefined) return undefined;
  try {
    return decodeInode(value);
  } catch (error) {
    if (isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) return "damaged";
    throw error;
  }
}

function entryAt(reader: KvReader, directory: number, name: string): Entry | undefined {
  // What stands for no bytes is the name of nothing.
  const value = textToBytes(name) === undefined ? undefined : reader.get(entryKey(directory, name));
  if (value === undefined || fails(() => decodeEntry(value))) return undefined;
  return decodeEntry(value);
}

function fails(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    if (isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) return true;
    throw error;
  }
}

/** Takes a name out of a directory that may be missing or damaged, or have a wrong nlink. */
function dropName(kv: KvTransaction, directory: number, name: string, entry: Entry, wallMs: number): void {
  kv.delete(entryKey(directory, name));
  const holder = lookUp(kv, directory);
  if (holder === undefined || holder === "damaged") return;
  const links = entry.type === "directory" && holder.nlink > 2 ? 1 : 0;
  changeInode(kv, directory, { nlink: holder.nlink - links, mtimeMs: wallMs }, wallMs);
}

/** @returns the directory's number, if there is one, or why there cannot be one */
function lostFoundPlace(reader: KvReader): number | undefined | { refusal: string } {
  const entry = entryAt(reader, ROOT_INODE, LOST_FOUND);
  if (entry === undefined) return undefined;
  if (entry.type === "directory" && typeof lookUp(reader, entry.inode) === "object") return entry.inode;
  return { refusal: `/${LOST_FOUND} is no directory; rename it` };
}

function hasNameInLostFound(reader: KvReader, inode: number): boolean {
  const place = lostFoundPlace(reader);
  return (
    typeof place !== "undefined" &&
    (typeof place === "object" || entryAt(reader, place, String(inode)) !== undefined)
  );
}

function nameInLostFound(
  kv: KvTransaction,
  inode: number,
  type: Entry["type"],
  { wallMs, freshInode }: Repairing,
): void {
  let place = lostFoundPlace(kv);
  if (typeof place === "object") return;
  if (place === undefined) {
    place = freshInode;
    const making = { owner: undefined, wallMs };
    addInode(kv, place, newInode(getInode(kv, ROOT_INODE), "directory", DIRECTORY_MODE_DEFAULT, making));
    addEntry(kv, ROOT_INODE, LOST_FOUND, { inode: place, type: "directory" }, wallMs);
  }
  addEntry(kv, place, String(inode), { inode, type }, wallMs);
}
