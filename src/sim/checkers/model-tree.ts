import type { ErrorCode } from "../../std/errors.ts";
import type { Layout } from "../../wire/control.ts";

/** The nodes of the namespace's model, and the way from one to the other. */

export interface ModelNode {
  readonly type: "file" | "directory" | "symlink";
  mode: number;
  uid: number;
  gid: number;
  size: number;
  nlink: number;
  /** Undefined until a call sets it, and again once something else may have changed it. */
  atimeMs: number | undefined;
  mtimeMs: number | undefined;
  xattrs: Map<string, string>;
  /** Of a directory; empty for all others. */
  entries: Map<string, ModelNode>;
  /** Of a directory: the one that it is in; its own for the root. */
  parent: ModelNode | undefined;
  /** Of a symbolic link: where it leads. */
  readonly target: string;
  /** What the service calls it and where it put it, once it has said so. */
  inode: number | undefined;
  layout: Layout | undefined;
  /** A resize was interrupted: the length of its regions may be any between both sizes. */
  torn: boolean;
}

/** POSIX refuses the call, for any of these reasons: it does not say which comes first. */
export class Refused extends Error {
  readonly codes: readonly ErrorCode[];

  constructor(...codes: ErrorCode[]) {
    super(`refused: ${codes.join(" or ")}`);
    this.codes = codes;
  }
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where a path leads. */
export interface Place {
  readonly directory: ModelNode;
  /** Undefined where the path names no entry: the root, and what ends in `.` or `..` */
  readonly name: string | undefined;
  readonly node: ModelNode | undefined;
  /** The path ends in a slash: only a directory will do. */
  readonly slash: boolean;
}

/** At the end of a path: what the link leads to; the link, unless a slash is behind it; the name itself. */
export type FinalLink = "follow" | "keep" | "name";

const LINKS_MAX = 40;
const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;
const SET_GID = 0o2000;
export const ROOT_OWNER: Owner = { uid: 0, gid: 0 };

export function walk(root: ModelNode, path: string, final: FinalLink, missing?: Maker): Place {
  checkText(path);
  checkNames(path);
  if (!path.startsWith("/")) throw new Refused("EINVAL");
  return step(root, root, path, final, missing, { links: 0 });
}

function step(
  root: ModelNode,
  from: ModelNode,
  text: string,
  final: FinalLink,
  missing: Maker | undefined,
  way: { links: number },
): Place {
  const start = text.startsWith("/") ? root : from;
  const slash = text.endsWith("/");
  const parts = partsOf(text);
  let place: Place = { directory: start, name: undefined, node: start, slash };
  for (const [at, part] of parts.entries()) {
    const directory = place.node ?? missing?.(place);
    if (directory === undefined) throw new Refused("ENOENT");
    if (directory.type !== "directory") throw new Refused("ENOTDIR");
    if (part === "." || part === "..") {
      const there = part === "." ? directory : (directory.parent as ModelNode);
      place = { directory: there, name: undefined, node: there, slash };
      continue;
    }
    const child = directory.entries.get(part);
    place = { directory, name: part, node: child, slash };
    const isLast = at === parts.length - 1;
    const stays = isLast && (final === "name" || (final === "keep" && !slash));
    if (child?.type !== "symlink" || stays) continue;
    way.links += 1;
    if (way.links > LINKS_MAX) throw new Refused("ELOOP");
    checkNames(child.target);
    const led = step(root, directory, child.target, "follow", missing, way);
    place = { ...led, slash: led.slash || slash };
  }
  const isOther = place.node !== undefined && place.node.type !== "directory";
  if (slash && isOther && final !== "name") throw new Refused("ENOTDIR");
  return place;
}

/** Makes a directory that a walk misses on its way. */
export type Maker = (place: Place) => ModelNode;

export function maker(owner: Owner): Maker {
  return (place) => make(place, "directory", 0o755, owner);
}

export function make(
  place: Place,
  type: ModelNode["type"],
  mode: number,
  owner: Owner,
  target = "",
): ModelNode {
  if (place.name === undefined) throw new Refused("EEXIST", "EISDIR");
  const { directory } = place;
  const inherits = (directory.mode & SET_GID) !== 0;
  const made = node(type, mode & 0o7777, inherits ? { ...owner, gid: directory.gid } : owner, target);
  setEntry(directory, place.name, made);
  if (type === "directory") {
    made.nlink = 2;
    made.parent = directory;
    directory.nlink += 1;
    if (inherits) made.mode |= SET_GID;
  }
  return made;
}

export function setEntry(directory: ModelNode, name: string, entry: ModelNode | undefined): void {
  if (entry === undefined) directory.entries.delete(name);
  else directory.entries.set(name, entry);
  directory.mtimeMs = undefined;
}

export function detach(directory: ModelNode, name: string): void {
  const found = directory.entries.get(name) as ModelNode;
  setEntry(directory, name, undefined);
  if (found.type === "directory") {
    directory.nlink -= 1;
    for (const inside of [...found.entries.keys()]) detach(found, inside);
  } else found.nlink -= 1;
}

export function node(type: ModelNode["type"], mode: number, owner: Owner, target = ""): ModelNode {
  return {
    type,
    mode,
    ...owner,
    size: 0,
    nlink: 1,
    atimeMs: undefined,
    mtimeMs: undefined,
    xattrs: new Map(),
    entries: new Map(),
    parent: undefined,
    target,
    inode: undefined,
    layout: undefined,
    torn: false,
  };
}

export function isWithin(directory: ModelNode, of: ModelNode): boolean {
  for (let at = directory; ; at = at.parent as ModelNode) {
    if (at === of) return true;
    if (at.parent === at) return false;
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

/** Names as bytes: a lone surrogate U+DC80 to U+DCFF stands for a byte that is no UTF-8. */
export function bytesOf(text: string): Buffer {
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) as number;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character);
  });
  return Buffer.concat(parts);
}

/** What a link may say: its names are looked at when it is followed. */
export function checkText(text: string): void {
  const codes: ErrorCode[] = [];
  if (text === "") codes.push("ENOENT");
  const pairs = /[\ud800-\udbff][\udc00-\udfff]/g;
  if (text.includes("\0") || /[\ud800-\udc7f\udd00-\udfff]/.test(text.replaceAll(pairs, "")))
    codes.push("EINVAL");
  if (bytesOf(text).byteLength > PATH_BYTES_MAX) codes.push("ENAMETOOLONG");
  if (codes.length > 0) throw new Refused(...codes);
}

/** Of an extended attribute. */
export function checkXattrName(name: string): void {
  if (name === "" || name.includes("\0")) throw new Refused("EINVAL");
  if (bytesOf(name).byteLength > NAME_BYTES_MAX) throw new Refused("ENAMETOOLONG");
}

export function inByteOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(bytesOf(a), bytesOf(b)));
}

function checkNames(text: string): void {
  const isLong = (name: string) => bytesOf(name).byteLength > NAME_BYTES_MAX;
  if (partsOf(text).some(isLong)) throw new Refused("ENAMETOOLONG");
}
