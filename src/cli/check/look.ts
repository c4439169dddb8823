import { mapInOrder } from "../map-in-order.ts";
import { joinEntries, leftOver, loops, namesProblem, type Places, type Recount, recount } from "./entries.ts";
import { damaged, type InodesSeen, joinInodes, MARK } from "./inodes.ts";
import type { InodeRecord, Source, Suspect } from "./source.ts";

/** How often inodes whose names change all the time are counted anew. */
const RECOUNTS_MAX = 3;
const VERIFIED_AT_A_TIME = 16;

export interface Looked {
  readonly suspects: readonly Suspect[];
  readonly places: Places;
  /** Inodes whose number of names could not be checked, because it changed all the time. */
  readonly unsettled: number;
  readonly inodes: number;
  /** That layouts name. */
  readonly targets: ReadonlySet<string>;
}

/**
 * Looks at everything once, and at what seems wrong a second time: the cluster goes on meanwhile, and only what is
 * still there then counts.
 * @param verify whether a problem is there, seen in one step by whoever has the data
 */
export async function look(
  source: Source,
  targets: readonly string[],
  verify: (suspect: Suspect) => Promise<boolean>,
): Promise<Looked> {
  const before = await revisionOf(source);
  const first: Suspect[] = [];
  const result: { seen?: InodesSeen } = {};
  for await (const suspect of joinInodes(source, targets, result)) first.push(suspect);
  const seen = result.seen as InodesSeen;
  if (source.totals.revision === before && source.totals.inodes !== seen.count) {
    // First, because each repair that follows changes the revision.
    first.unshift({ problem: { kind: "wrong-inode-count", inodes: seen.count, revision: before } });
  }
  const places: Places = new Map();
  for await (const suspect of joinEntries(source, seen, places)) first.push(suspect);
  for await (const record of source.records("unknown")) {
    if (record.kind === "damaged") first.push(damaged(record));
  }
  first.push(...loops(places));
  const { problems, unsettled } = await settle(source, seen);
  first.push(...problems);
  const checked = mapInOrder(first, VERIFIED_AT_A_TIME, async (suspect) =>
    (await verify(suspect)) ? [suspect] : [],
  );
  const suspects: Suspect[] = [];
  for await (const found of checked) suspects.push(...found);
  return { suspects, places, unsettled, inodes: seen.count, targets: seen.targets };
}

async function revisionOf(source: Source): Promise<number> {
  for await (const _ of source.records("trash")) break;
  return source.totals.revision;
}

/**
 * Counts the names of those inodes again that did not add up. A count holds where the inode has the same ctime before
 * and after it.
 */
async function settle(source: Source, seen: InodesSeen): Promise<{ problems: Suspect[]; unsettled: number }> {
  const problems: Suspect[] = [];
  let left: ReadonlySet<number> = leftOver(seen);
  for (let tries = 0; tries < RECOUNTS_MAX && left.size > 0; tries += 1) {
    const before = await inodesOf(source, left);
    const counts = await recount(source, before);
    const after = new Map((await inodesOf(source, left)).map((record) => [record.inode, record]));
    const isSettled = ({ record }: Recount): boolean => after.get(record.inode)?.ctimeMs === record.ctimeMs;
    for (const count of counts.filter(isSettled)) {
      const isOrphan = (seen.numbers.marks(count.record.inode) & MARK.orphan) !== 0;
      const problem = namesProblem(count, isOrphan);
      if (problem !== undefined) {
        problems.push({ problem, detail: `it says ${count.record.nlink}, and has ${count.names}` });
      }
    }
    const moving = counts.filter((count) => !isSettled(count) && after.has(count.record.inode));
    left = new Set(moving.map(({ record }) => record.inode));
  }
  return { problems, unsettled: left.size };
}

async function inodesOf(source: Source, inodes: ReadonlySet<number>): Promise<InodeRecord[]> {
  const found: InodeRecord[] = [];
  for await (const record of source.records("inodes")) {
    if (record.kind === "inode" && inodes.has(record.inode)) found.push(record);
  }
  return found;
}
