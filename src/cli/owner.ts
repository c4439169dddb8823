import { readFileSync } from "node:fs";
import { DidafsError } from "../std/errors.ts";

/** 2^32 - 1 means "unchanged" to chown(2). */
const ID_MAX = 2 ** 32 - 2;

export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * An owner as chown(1) writes it: `user`, `user:group`, `:group`, and `user:` for the user's own group. Names are
 * looked up in /etc/passwd and /etc/group, numbers stand for themselves.
 * @throws ERR_INVALID_ARGUMENT
 */
export function parseOwner(text: string): Owner {
  const [user = "", group] = text.split(":", 2);
  if (user === "" && (group === undefined || group === "")) {
    throw invalid(`${JSON.stringify(text)} is no owner; it looks like 1000, alice:staff or :staff`);
  }
  const uid = user === "" ? undefined : idOf(user, "/etc/passwd", "user");
  const gid = group === "" ? primaryGroup(user) : group && idOf(group, "/etc/group", "group");
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid: Number(gid) }) };
}

/** The user's name, or the number where nobody has it. */
export function userName(uid: number): string {
  return nameOf(uid, "/etc/passwd");
}

export function groupName(gid: number): string {
  return nameOf(gid, "/etc/group");
}

function idOf(name: string, file: string, kind: string): number {
  if (/^\d{1,10}$/.test(name) && Number(name) <= ID_MAX) return Number(name);
  const found = entries(file).find(([known]) => known === name);
  if (found === undefined) throw invalid(`there is no ${kind} ${JSON.stringify(name)} in ${file}`);
  return Number(found[2]);
}

function primaryGroup(user: string): number {
  const found = entries("/etc/passwd").find(([name, , uid]) => name === user || uid === user);
  if (found === undefined) throw invalid(`the group of ${JSON.stringify(user)} is not in /etc/passwd`);
  return Number(found[3]);
}

function nameOf(id: number, file: string): string {
  return entries(file).find(([, , number]) => number === String(id))?.[0] ?? String(id);
}

const read = new Map<string, readonly (readonly string[])[]>();

/** Lines of `name:password:number:…`; none where there is no such file. */
function entries(file: string): readonly (readonly string[])[] {
  let lines = read.get(file);
  if (lines === undefined) {
    lines = readLines(file).map((line) => line.split(":"));
    read.set(file, lines);
  }
  return lines;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}

function invalid(message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", message);
}
