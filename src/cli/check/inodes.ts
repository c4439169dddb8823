import type { FileType } from "../../meta/entry-record.ts";
import { ROOT_INODE } from "../../meta/keys.ts";
import { regionBounds } from "../../meta/region-repairs.ts";
import type { AuditRecord } from "../../wire/control.ts";
import { Cursor } from "./cursor.ts";
import { InodeNumbers } from "./numbers.ts";
import type { Damaged, InodeRecord, Note, Region, Removal, Source, Suspect } from "./source.ts";

/** Marks of inodes: what they are, and what was seen of them. */
export const MARK = {
  file: 1,
  directory: 2,
  symlink: 4,
  damaged: 8,
  orphan: 16,
  trash: 32,
  /** An entry names it. */
  named: 64,
} as const;

const TYPES: readonly FileType[] = ["file", "directory", "symlink"];

/** @returns the type that an inode's marks say, undefined where there is none or it is damaged */
export function typeOf(marks: number): FileType | undefined {
  return TYPES.find((type) => (marks & MARK[type]) !== 0);
}

export interface InodesSeen {
  readonly numbers: InodeNumbers;
  readonly count: number;
  /** That layouts name. */
  readonly targets: ReadonlySet<string>;
}

const NOTE_SECTIONS = ["links", "orphans", "trash", "xattrs"] as const;

/**
 * Goes over the inodes, and beside them over everything else that is in the order of inode numbers: what belongs to
 * them, and the regions of each target in `targets`. Nothing of it is kept but a few bytes for each inode.
 */
export async function* joinInodes(
  source: Source,
  targets: readonly string[],
  result: { seen?: InodesSeen },
): AsyncGenerator<Suspect, void, undefined> {
  const numbers = new InodeNumbers();
  let [count, highest] = [0, 0];
  const named = new Set<string>();
  const removals = new Map<string, Removal>();
  for await (const record of source.records("removals")) {
    if (record.kind === "removal") removals.set(nameOf(record.target, record), record);
    else if (record.kind === "damaged") yield damaged(record);
  }
  const notes = NOTE_SECTIONS.map((section) => new Cursor(notesOnly(source.records(section))));
  const regions = new Map(targets.map((target) => [target, new Cursor(source.regions(target))]));

  async function* passed(inode: number): AsyncGenerator<Suspect, void, undefined> {
    for (const cursor of notes) {
      for await (const note of cursor.below(inode)) yield* strayNote(note, numbers);
    }
    for (const [target, cursor] of regions) {
      for await (const region of cursor.below(inode)) {
        highest = Math.max(highest, region.inode);
        if (removals.has(nameOf(target, region))) continue;
        yield ofRegion("orphan-region", target, region);
      }
    }
  }

  for await (const record of source.records("inodes")) {
    if (record.kind !== "inode" && record.kind !== "damaged") continue;
    const { inode } = record;
    yield* passed(inode);
    count += 1;
    highest = Math.max(highest, inode);
    const own: (Note | Damaged)[] = [];
    for (const cursor of notes) own.push(...(await cursor.at(inode)));
    const here: [string, Region][] = [];
    for (const [target, cursor] of regions)
      for (const region of await cursor.at(inode)) here.push([target, region]);
    if (record.kind === "damaged") {
      numbers.mark(inode, MARK.damaged);
      yield damaged(record);
      continue;
    }
    numbers.mark(inode, MARK[record.type]);
    for (const { target } of record.layout?.regions ?? []) named.add(target);
    // What entries take away again: names of a file, directories in a directory.
    numbers.add(inode, record.type === "directory" ? record.nlink - 2 : record.nlink);
    yield* ownNotes(record, own, numbers);
    const looked = (target: string): boolean => regions.has(target) && !source.failed.has(target);
    yield* ownRegions(record, here, looked, removals);
  }
  yield* passed(Number.POSITIVE_INFINITY);
  const { nextInode } = source.totals;
  if (highest >= nextInode) yield { problem: { kind: "low-inode-number", inode: highest } };
  result.seen = { numbers, count, targets: named };
}

function* strayNote(note: Note | Damaged, numbers: InodeNumbers): Generator<Suspect> {
  if (note.kind === "damaged") yield damaged(note);
  // What is thrown away has no inode any more.
  else if (note.section === "trash") numbers.mark(note.inode, MARK.trash);
  else
    yield {
      problem: { kind: "stray-record", key: note.key },
      detail: `${note.section} of inode ${note.inode}`,
    };
}

function* ownNotes(
  { inode, type, nlink }: InodeRecord,
  notes: readonly (Note | Damaged)[],
  numbers: InodeNumbers,
): Generator<Suspect> {
  let says = false;
  for (const note of notes) {
    if (note.kind === "damaged") yield damaged(note);
    else {
      const belongs = {
        links: type === "symlink",
        orphans: type !== "directory" && nlink === 0,
        trash: false,
        xattrs: true,
      }[note.section];
      if (note.section === "links") says = true;
      if (note.section === "orphans" && belongs) numbers.mark(inode, MARK.orphan);
      const detail = `${note.section} of inode ${inode}`;
      if (!belongs) yield { problem: { kind: "stray-record", key: note.key }, detail };
    }
  }
  if (type === "symlink" && !says && inode !== ROOT_INODE) yield { problem: { kind: "silent-link", inode } };
}

function* ownRegions(
  { inode, size, extent, layout }: InodeRecord,
  here: readonly [string, Region][],
  looked: (target: string) => boolean,
  removals: ReadonlyMap<string, Removal>,
): Generator<Suspect> {
  const wanted = layout?.regions ?? [];
  for (const [target, region] of here) {
    const at = wanted[region.index];
    if (at?.target !== target) {
      if (!removals.has(nameOf(target, region))) yield ofRegion("misplaced-region", target, region);
    } else if (region.fault !== undefined) {
      yield ofRegion("unusable-region", target, region);
    } else if (layout !== undefined && region.byteLength !== undefined) {
      const { leastBytes, mostBytes } = regionBounds(size, extent, layout, region.index);
      const { byteLength } = region;
      if (byteLength < leastBytes) {
        yield { ...ofRegion("short-region", target, region), bytes: leastBytes - byteLength };
      } else if (byteLength > mostBytes) {
        yield { ...ofRegion("long-region", target, region), bytes: byteLength - mostBytes };
      }
    }
  }
  for (const [index, { target }] of wanted.entries()) {
    const note = removals.get(nameOf(target, { inode, index }));
    if (note !== undefined) {
      const detail = `removal of a region of inode ${inode}, which is there`;
      yield { problem: { kind: "stray-record", key: note.key }, detail };
    }
    if (!looked(target) || here.some(([on, region]) => on === target && region.index === index)) continue;
    const bytes = layout === undefined ? 0 : regionBounds(size, extent, layout, index).leastBytes;
    yield { problem: { kind: "missing-region", target, inode, index }, bytes };
  }
}

type RegionKind = Extract<Suspect["problem"], { kind: `${string}-region` }>["kind"];

function ofRegion(
  kind: RegionKind,
  target: string,
  { inode, index, byteLength, written, fault }: Region,
): Suspect {
  return { problem: { kind, target, inode, index }, bytes: byteLength, written, detail: fault };
}

export function damaged({ key, reason, section }: Damaged): Suspect {
  return { problem: { kind: "damaged-record", key }, detail: `${section}: ${reason}` };
}

function nameOf(target: string, { inode, index }: { inode: number; index: number }): string {
  return `${target} ${inode} ${index}`;
}

async function* notesOnly(
  records: AsyncIterable<AuditRecord>,
): AsyncGenerator<Note | Damaged, void, undefined> {
  for await (const record of records) if (record.kind === "note" || record.kind === "damaged") yield record;
}
