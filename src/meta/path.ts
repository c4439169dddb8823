import { DidafsError, type ErrorCode } from "../std/errors.ts";

const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;

/** A path that was checked. `..` stays a component: the walk takes it back, as POSIX has it. */
export interface Path {
  readonly text: string;
  /** Without empty ones and `.` */
  readonly components: readonly string[];
  /** It ends in `/` or `/.`, so what it names must be a directory. */
  readonly wantsDirectory: boolean;
}

/** An error about a path, in POSIX's words. */
export function pathError(code: ErrorCode, path: string, message: string): DidafsError {
  return new DidafsError(code, `${path}: ${message}`, { path });
}

/** @throws ENOENT (empty), EINVAL (not absolute, NUL, not Unicode), ENAMETOOLONG */
export function parsePath(text: string): Path {
  if (text === "") throw pathError("ENOENT", text, "a path must not be empty");
  if (!text.startsWith("/")) throw pathError("EINVAL", text, "a path must be absolute");
  if (text.includes("\0") || !text.isWellFormed()) {
    throw pathError("EINVAL", text, "a path must be Unicode without NUL");
  }
  if (Buffer.byteLength(text) > PATH_BYTES_MAX) {
    throw pathError("ENAMETOOLONG", text, `a path has at most ${PATH_BYTES_MAX} bytes`);
  }
  const parts = text.split("/");
  const components = parts.filter((part) => part !== "" && part !== ".");
  if (components.some((component) => Buffer.byteLength(component) > NAME_BYTES_MAX)) {
    throw pathError("ENAMETOOLONG", text, `a name has at most ${NAME_BYTES_MAX} bytes`);
  }
  const last = parts.at(-1);
  return { text, components, wantsDirectory: last === "" || last === "." };
}

/** Checks a name that a listing is to go on behind. @throws EINVAL, ENAMETOOLONG */
export function checkName(name: string, path: string): void {
  if (name === "" || /[/\0]/.test(name) || !name.isWellFormed()) {
    throw pathError("EINVAL", path, `"${name}" is no name`);
  }
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw pathError("ENAMETOOLONG", path, `a name has at most ${NAME_BYTES_MAX} bytes`);
  }
}
