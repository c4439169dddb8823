import type { KvReader } from "../ports/kv.ts";
import type { Entry } from "./entry-record.ts";
import { ROOT_INODE } from "./keys.ts";
import { type Path, parseLinkTarget, pathError } from "./path.ts";
import { getEntry, getLink } from "./tables.ts";

/** Symbolic links on one way; as in Linux (include/linux/namei.h, MAXSYMLINKS). */
const LINKS_ON_THE_WAY_MAX = 40;

const ROOT: Entry = { inode: ROOT_INODE, type: "directory" };

/**
 * What a symbolic link at the end of a path stands for: `follow`: what it leads to. `keep`: itself, unless a slash is
 * behind it. `name`: itself always, because the name is what is to be changed.
 */
export type FinalLink = "follow" | "keep" | "name";

/** Where a path leads. */
export interface Place {
  /** Directories from the root to the one that holds the name. */
  readonly parents: readonly number[];
  /** The last directory of `parents`. */
  readonly parent: number;
  /** Undefined for the root and for paths that end in `.` or `..`: they name a directory, but no entry to change. */
  readonly name: string | undefined;
  /** What is there, if anything. */
  readonly entry: Entry | undefined;
  /** The path, or the link at its end that was followed, ends in a slash. */
  readonly endsInSlash: boolean;
}

/**
 * Walks a path. `..` goes to the directory's parent, however the walk came there; in the root it stays.
 * @param makeDirectory makes a directory that is missing on the way; without it that is ENOENT
 * @throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG (of what a link says)
 */
export function locate(
  reader: KvReader,
  path: Path,
  final: FinalLink,
  makeDirectory?: (parent: number, name: string) => Entry,
): Place {
  const way: Entry[] = [ROOT];
  let { components, endsInSlash } = path;
  let linkCount = 0;
  for (let at = 0; at < components.length; at += 1) {
    const directory = way.at(-1) as Entry;
    if (directory.type !== "directory") {
      throw pathError("ENOTDIR", path.text, "a part of the path is no directory");
    }
    const name = components[at] as string;
    if (name === ".") continue;
    if (name === "..") {
      if (way.length > 1) way.pop();
      continue;
    }
    const entry = getEntry(reader, directory.inode, name);
    const isLast = at === components.length - 1;
    const stays = isLast && (final === "name" || (final === "keep" && !endsInSlash));
    if (entry?.type === "symlink" && !stays) {
      linkCount += 1;
      if (linkCount > LINKS_ON_THE_WAY_MAX) throw pathError("ELOOP", path.text, "too many symbolic links");
      const target = parseLinkTarget(getLink(reader, entry.inode), path.text);
      if (target.isAbsolute) way.length = 1;
      if (isLast) endsInSlash ||= target.endsInSlash;
      components = [...target.components, ...components.slice(at + 1)];
      at = -1;
    } else if (isLast) {
      const isOther = entry !== undefined && entry.type !== "directory";
      if (endsInSlash && isOther && final !== "name")
        throw pathError("ENOTDIR", path.text, "not a directory");
      return { ...end(way), name, entry, endsInSlash };
    } else {
      const next = entry ?? makeDirectory?.(directory.inode, name);
      if (next === undefined) throw pathError("ENOENT", path.text, "no such file or directory");
      way.push(next);
    }
  }
  return { ...end(way), name: undefined, entry: way.at(-1), endsInSlash };
}

function end(way: readonly Entry[]): Pick<Place, "parents" | "parent"> {
  const parents = way.map(({ inode }) => inode);
  return { parents, parent: parents.at(-1) as number };
}

/** Nothing is in it. */
const NOWHERE: Entry = { inode: 0, type: "directory" };

/**
 * Walks as if the directories that are missing on the way were there.
 * @returns also how many those are
 * @throws ENOTDIR, ELOOP, ENAMETOOLONG
 */
export function locateBeyond(reader: KvReader, path: Path, final: FinalLink): Place & { missing: number } {
  let missing = 0;
  const place = locate(reader, path, final, () => {
    missing += 1;
    return NOWHERE;
  });
  return { ...place, missing };
}

/** What is at the end of a path. @throws ENOENT, ENOTDIR, ELOOP */
export function locateEntry(reader: KvReader, path: Path, follow: boolean): Entry {
  const { entry } = locate(reader, path, follow ? "follow" : "keep");
  if (entry === undefined) throw pathError("ENOENT", path.text, "no such file or directory");
  return entry;
}
