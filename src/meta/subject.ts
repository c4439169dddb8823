import type { KvReader } from "../ports/kv.ts";
import type { Channel } from "../rpc/handlers.ts";
import { DidafsError, type ErrorCode } from "../std/errors.ts";
import type { Subject } from "../wire/control.ts";
import { parsePath, pathError } from "./path.ts";
import { locateEntry } from "./walk.ts";

/** What a call is about, found. Whoever calls has seen that the origin has the file open, where it names one. */

/**
 * Sees that a file which is named by its number is one that the origin of the channel has open.
 * @throws ERR_INVALID_ARGUMENT, ENOENT
 */
export type OpenCheck = (subject: Subject, channel: Channel) => void;

/** @throws ENOENT, ENOTDIR, ELOOP, EINVAL, ENAMETOOLONG */
export function inodeOf(reader: KvReader, subject: Subject): number {
  if ("inode" in subject) return subject.inode;
  return locateEntry(reader, parsePath(subject.path), subject.follow).inode;
}

/** In messages: the path, or the file's number. */
export function nameOf(subject: Subject): string {
  return "inode" in subject ? `file ${subject.inode}` : subject.path;
}

/** An error about the path, where there is one. */
export function subjectError(code: ErrorCode, subject: Subject, message: string): DidafsError {
  if ("path" in subject) return pathError(code, subject.path, message);
  return new DidafsError(code, `${nameOf(subject)}: ${message}`);
}
