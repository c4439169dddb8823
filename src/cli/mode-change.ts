import { DidafsError } from "../std/errors.ts";

/** The bits of a mode that can be changed. */
const ALL_BITS = 0o7777;
const WHO_BITS = { u: 0o4700, g: 0o2070, o: 0o1007, a: ALL_BITS };
const CLASS_SHIFT = { u: 6, g: 3, o: 0 };
const PERMISSION_BITS = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };

/** What a mode becomes: of the present one, and whether it is a directory's. */
export type ModeChange = (mode: number, directory: boolean) => number;

/**
 * A mode as chmod(1) writes it: octal (`640`), or symbolic (`u+x,go-w`, `g=u`, `a+X`). Without a class all are meant.
 * @throws ERR_INVALID_ARGUMENT
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]{1,4}$/.test(text)) return () => Number.parseInt(text, 8);
  const clauses = text.split(",").flatMap((clause) => parseClause(clause, text));
  return (mode, directory) => clauses.reduce((now, change) => change(now, directory), mode & ALL_BITS);
}

/** One class of users with one or more actions: `ug+r-x`. */
function parseClause(clause: string, text: string): ModeChange[] {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
  if (match === null) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `${JSON.stringify(text)} is no mode; it looks like 640, u+x or go-w,a+r`,
    );
  }
  const [, who = "", actions = ""] = match;
  const mask = bitsOf(who === "" ? "a" : who, WHO_BITS);
  return [...actions.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(
    ([, operator, what = ""]): ModeChange =>
      (mode, directory) => {
        const bits = grantedBits(what, mode, directory) & mask;
        if (operator === "+") return mode | bits;
        if (operator === "-") return mode & ~bits;
        // A directory keeps what a class inherits through it, unless that is named, as with GNU chmod.
        const kept = directory ? 0o6000 & ~bits : 0;
        return (mode & (~mask | kept)) | bits;
      },
  );
}

/** Bits in every class; the caller takes those of the classes that are meant. */
function grantedBits(what: string, mode: number, directory: boolean): number {
  if (what === "u" || what === "g" || what === "o") return ((mode >> CLASS_SHIFT[what]) & 7) * 0o111;
  const bits = bitsOf(what.replaceAll("X", ""), PERMISSION_BITS);
  const someoneMayRun = directory || (mode & 0o111) !== 0;
  return what.includes("X") && someoneMayRun ? bits | PERMISSION_BITS.x : bits;
}

function bitsOf<K extends string>(letters: string, table: Record<K, number>): number {
  return [...letters].reduce((bits, letter) => bits | table[letter as K], 0);
}
