import type { KvReader } from "../ports/kv.ts";
import type { Entry } from "./entry-record.ts";
import { ROOT_INODE } from "./keys.ts";
import { type Path, pathError } from "./path.ts";
import { getEntry } from "./tables.ts";

const ROOT: Entry = { inode: ROOT_INODE, type: "directory" };

/** Where a path leads. */
export interface Place {
  /** Directories from the root to the one that holds the name. */
  readonly parents: readonly number[];
  /** The last directory of `parents`. */
  readonly parent: number;
  /** Undefined for the root and for paths that end in `..`: they name a directory, but no entry to change. */
  readonly name: string | undefined;
  /** What is there, if anything. */
  readonly entry: Entry | undefined;
}

/**
 * Walks a path. `..` takes back the step before, which must have led to a directory; in the root it stays.
 * @throws ENOENT, ENOTDIR
 */
export function locate(reader: KvReader, path: Path): Place {
  const entries: Entry[] = [ROOT];
  const end = path.components.length - 1;
  for (const [at, name] of path.components.entries()) {
    const directory = entries.at(-1) as Entry;
    if (directory.type !== "directory") {
      throw pathError("ENOTDIR", path.text, "a part of the path is no directory");
    }
    if (name === "..") {
      if (entries.length > 1) entries.pop();
      continue;
    }
    const entry = getEntry(reader, directory.inode, name);
    if (at === end) return named(path, entries, name, entry);
    if (entry === undefined) throw pathError("ENOENT", path.text, "no such file or directory");
    entries.push(entry);
  }
  const parents = entries.map(({ inode }) => inode);
  return { parents, parent: parents.at(-1) as number, name: undefined, entry: entries.at(-1) };
}

function named(path: Path, entries: readonly Entry[], name: string, entry: Entry | undefined): Place {
  if (path.wantsDirectory && entry?.type === "file") {
    throw pathError("ENOTDIR", path.text, "not a directory");
  }
  const parents = entries.map(({ inode }) => inode);
  return { parents, parent: parents.at(-1) as number, name, entry };
}

/** @throws ENOENT, ENOTDIR */
export function locateEntry(reader: KvReader, path: Path): Entry {
  const { entry } = locate(reader, path);
  if (entry === undefined) throw pathError("ENOENT", path.text, "no such file or directory");
  return entry;
}
