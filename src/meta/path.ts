import { assert } from "../std/assert.ts";
import { textToBytes } from "../std/byte-text.ts";
import { DidafsError, type ErrorCode } from "../std/errors.ts";

export const PATH_BYTES_MAX = 4096;
export const NAME_BYTES_MAX = 255;

/** A path, or what a symbolic link says, that was checked. */
export interface Path {
  /** For messages: the path that the caller wrote. */
  readonly text: string;
  readonly isAbsolute: boolean;
  /** Without empty ones and without `.`, but for one at the end. `..` stays: only the walk knows where it leads. */
  readonly components: readonly string[];
  /** It ends in a slash, so what it names must be a directory. */
  readonly endsInSlash: boolean;
}

/** An error about a path, in POSIX's words. */
export function pathError(code: ErrorCode, path: string, message: string): DidafsError {
  return new DidafsError(code, `${path}: ${message}`, { path });
}

/** @throws ENOENT (empty), EINVAL (not absolute, NUL, text of no bytes), ENAMETOOLONG */
export function parsePath(text: string): Path {
  const path = parse(text, text);
  if (!path.isAbsolute) throw pathError("EINVAL", text, "a path must be absolute");
  return path;
}

/** @param about the path on which the link lies @throws ENAMETOOLONG (a name in it) */
export function parseLinkTarget(target: string, about: string): Path {
  return parse(target, about);
}

function parse(text: string, about: string): Path {
  checkPathText(text, about);
  const parts = text.split("/").filter((part) => part !== "");
  const components = parts.filter((part, at) => part !== "." || at === parts.length - 1);
  for (const component of components) checkLength(component, about);
  return { text: about, isAbsolute: text.startsWith("/"), components, endsInSlash: text.endsWith("/") };
}

/**
 * Checks what a symbolic link is to say: how long its names are matters only to who follows it.
 * @throws ENOENT (empty), EINVAL (NUL, text of no bytes), ENAMETOOLONG
 */
export function checkPathText(text: string, about: string): void {
  if (text === "") throw pathError("ENOENT", about, "a path must not be empty");
  if (checkedBytes(text, about).byteLength > PATH_BYTES_MAX) {
    throw pathError("ENAMETOOLONG", about, `a path has at most ${PATH_BYTES_MAX} bytes`);
  }
}

/** Checks the name of an entry. @throws EINVAL, ENAMETOOLONG */
export function checkName(name: string, about: string): void {
  if (name.includes("/")) throw pathError("EINVAL", about, `"${name}" is no name`);
  checkXattrName(name, about);
}

/** Checks the name of an extended attribute. @throws EINVAL, ENAMETOOLONG */
export function checkXattrName(name: string, about: string): void {
  if (name === "") throw pathError("EINVAL", about, "a name must not be empty");
  checkedBytes(name, about);
  checkLength(name, about);
}

function checkedBytes(text: string, about: string): Uint8Array {
  const bytes = text.includes("\0") ? undefined : textToBytes(text);
  if (bytes === undefined) throw pathError("EINVAL", about, "names are bytes without NUL, written as text");
  return bytes;
}

function checkLength(name: string, about: string): void {
  // No character of UTF-16 takes more than three bytes.
  if (name.length * 3 <= NAME_BYTES_MAX || nameBytes(name).byteLength <= NAME_BYTES_MAX) return;
  throw pathError("ENAMETOOLONG", about, `a name has at most ${NAME_BYTES_MAX} bytes`);
}

/** The bytes of a name that was checked. */
export function nameBytes(name: string): Uint8Array {
  const bytes = textToBytes(name);
  assert(bytes !== undefined, "names are checked before they are used");
  return bytes;
}
