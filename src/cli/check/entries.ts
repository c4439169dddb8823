import { ROOT_INODE } from "../../meta/keys.ts";
import type { Problem } from "../../wire/control.ts";
import { damaged, type InodesSeen, MARK, typeOf } from "./inodes.ts";
import type { EntryRecord, InodeRecord, Source, Suspect } from "./source.ts";

export interface Place {
  readonly directory: number;
  readonly name: string;
}

/** Where directories lie, by inode: the one name that each has. */
export type Places = Map<number, Place>;

/**
 * Goes over the entries and takes off what they account for; what is left over in `seen` then has a wrong number of
 * names. Keeps a place for each directory.
 */
export async function* joinEntries(
  source: Source,
  { numbers }: InodesSeen,
  places: Places,
): AsyncGenerator<Suspect, void, undefined> {
  for await (const record of source.records("entries")) {
    if (record.kind === "damaged") yield damaged(record);
    if (record.kind !== "entry") continue;
    const { directory, name, inode, type } = record;
    const place = { directory, name, inode };
    const holder = numbers.marks(directory);
    const holds = (holder & (MARK.directory | MARK.damaged | MARK.trash)) !== 0;
    if (!holds) yield { problem: { kind: "stray-entry", ...place } };
    const marks = numbers.marks(inode);
    const found = typeOf(marks);
    if (found === undefined && (marks & MARK.damaged) === 0) {
      yield { problem: { kind: "dangling-entry", ...place } };
      continue;
    }
    if (found !== undefined && found !== type) yield { problem: { kind: "wrong-type-entry", ...place } };
    if (found === "directory") {
      const other = places.get(inode);
      if (other === undefined) places.set(inode, { directory, name });
      else yield { problem: { kind: "second-entry", ...place, other } };
      numbers.add(directory, -1);
    } else {
      numbers.add(inode, -1);
    }
    numbers.mark(inode, MARK.named);
  }
}

/** Inodes whose names do not add up: those that have none, and those that say another number. */
export function leftOver({ numbers }: InodesSeen): Set<number> {
  const inodes = new Set<number>();
  for (const inode of numbers.marked()) {
    const marks = numbers.marks(inode);
    if (typeOf(marks) === undefined) continue;
    const nameless = (marks & (MARK.named | MARK.orphan)) === 0 && inode !== ROOT_INODE;
    if (nameless || numbers.balance(inode) !== 0) inodes.add(inode);
  }
  return inodes;
}

/** What one inode's names were counted to be, while its ctime stayed the same. */
export interface Recount {
  readonly record: InodeRecord;
  /** Entries that name it. */
  names: number;
  /** Directories in it. */
  directories: number;
}

/** Counts again for some inodes. @param records as they are before it begins; compare their ctimes after it */
export async function recount(source: Source, records: readonly InodeRecord[]): Promise<Recount[]> {
  const counts = new Map(records.map((record) => [record.inode, { record, names: 0, directories: 0 }]));
  for await (const record of source.records("entries")) {
    if (record.kind !== "entry") continue;
    const named = counts.get(record.inode);
    if (named !== undefined) named.names += 1;
    const holder = counts.get(record.directory);
    if (holder !== undefined && record.type === "directory") holder.directories += 1;
  }
  return [...counts.values()];
}

/** What is wrong with the number of an inode's names, if anything. */
export function namesProblem(
  { record, names, directories }: Recount,
  isOrphan: boolean,
): Problem | undefined {
  const { inode, ctimeMs, type, nlink } = record;
  if (names === 0 && inode !== ROOT_INODE && !isOrphan) return { kind: "nameless-inode", inode, ctimeMs };
  const right = type === "directory" ? 2 + directories : names;
  return nlink === right ? undefined : { kind: "wrong-nlink", inode, ctimeMs, nlink: right };
}

/** Directories that lie in each other, each once, with the entries that go around. */
export function loops(places: Places): Suspect[] {
  const found: Suspect[] = [];
  const done = new Set<number>();
  for (const begin of places.keys()) {
    const way: number[] = [];
    const onWay = new Set<number>();
    for (
      let at: number | undefined = begin;
      at !== undefined && !done.has(at);
      at = places.get(at)?.directory
    ) {
      if (onWay.has(at)) {
        found.push({ problem: { kind: "directory-loop", entries: around(at, places) } });
        break;
      }
      way.push(at);
      onWay.add(at);
    }
    for (const inode of way) done.add(inode);
  }
  return found;
}

const LOOP_MAX = 1000;

/** From each directory to the one that lies in it. */
function around(begin: number, places: Places): (Place & { inode: number })[] {
  const entries: (Place & { inode: number })[] = [];
  let at = begin;
  do {
    const place = places.get(at);
    if (place === undefined || entries.length >= LOOP_MAX) break;
    entries.unshift({ ...place, inode: at });
    at = place.directory;
  } while (at !== begin);
  return entries;
}

/** The path of an inode, as far as it is known. */
export function pathOf(inode: number, places: Places, name: Place | undefined): string | undefined {
  const parts: string[] = [];
  let place = name ?? places.get(inode);
  for (let steps = 0; place !== undefined && steps < LOOP_MAX; steps += 1) {
    parts.unshift(place.name);
    if (place.directory === ROOT_INODE) return `/${parts.join("/")}`;
    place = places.get(place.directory);
  }
  return inode === ROOT_INODE ? "/" : undefined;
}

/** One name of each of some inodes that are no directories. */
export async function namesOf(source: Source, inodes: ReadonlySet<number>): Promise<Places> {
  const found: Places = new Map();
  if (inodes.size === 0) return found;
  for await (const record of source.records("entries")) {
    if (record.kind === "entry" && inodes.has(record.inode)) found.set(record.inode, placeOf(record));
  }
  return found;
}

function placeOf({ directory, name }: EntryRecord): Place {
  return { directory, name };
}
