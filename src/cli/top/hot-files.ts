import type { Heat } from "../../structs/worker-counters.ts";
import { isSameLife } from "./report.ts";
import type { TargetLook } from "./targets.ts";

/** What was done with one file between two looks, over all its regions. */
export interface HotFile {
  /** 0: the files that a worker has no slot for, together. */
  readonly inode: number;
  /** Null where it is not known. */
  readonly path: string | null;
  readonly targets: readonly string[];
  readonly operations: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** The files that were accessed, the busiest first, with rates a second. */
export function hotFiles(
  now: readonly TargetLook[],
  before: readonly TargetLook[],
  pathOf: (inode: number) => string | undefined,
): HotFile[] {
  const files = new Map<number, HotFile>();
  for (const [at, { name, look }] of now.entries()) {
    const earlier = before[at]?.look;
    if (look === undefined || earlier === undefined || !isSameLife(look, earlier)) continue;
    const seconds = Math.max(look.nowMs - earlier.nowMs, 1) / 1000;
    for (const [number, { heat }] of look.workers.entries()) {
      const known = new Map(earlier.workers[number]?.heat.map((slot) => [keyOf(slot), slot]));
      for (const slot of heat) add(files, name, since(slot, known.get(keyOf(slot))), seconds, pathOf);
    }
  }
  return [...files.values()].sort(
    (a, b) =>
      b.operations - a.operations ||
      b.readBytes + b.writtenBytes - a.readBytes - a.writtenBytes ||
      a.inode - b.inode,
  );
}

/** A slot that went to another region and back has another stamp. */
function keyOf({ inode, index, stamp }: Heat): string {
  return `${inode}.${index}.${stamp}`;
}

function since(now: Heat, before: Heat | undefined): Omit<HotFile, "path" | "targets"> {
  const grown = (column: "gets" | "gotBytes" | "puts" | "putBytes" | "atomics" | "flushes"): number =>
    Math.max(0, now[column] - (before?.[column] ?? 0));
  return {
    inode: now.inode,
    operations: grown("gets") + grown("puts") + grown("atomics") + grown("flushes"),
    readBytes: grown("gotBytes"),
    writtenBytes: grown("putBytes"),
  };
}

function add(
  files: Map<number, HotFile>,
  target: string,
  { inode, operations, readBytes, writtenBytes }: Omit<HotFile, "path" | "targets">,
  seconds: number,
  pathOf: (inode: number) => string | undefined,
): void {
  if (operations === 0) return;
  const file = files.get(inode);
  files.set(inode, {
    inode,
    path: file?.path ?? pathOf(inode) ?? null,
    targets: [...new Set([...(file?.targets ?? []), target])],
    operations: (file?.operations ?? 0) + operations / seconds,
    readBytes: (file?.readBytes ?? 0) + readBytes / seconds,
    writtenBytes: (file?.writtenBytes ?? 0) + writtenBytes / seconds,
  });
}
