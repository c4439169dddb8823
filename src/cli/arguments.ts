import { readFileSync } from "node:fs";
import { bytesToText } from "../std/byte-text.ts";

const REPLACEMENT = "\ufffd";

/**
 * The command line's arguments in the text form of names (std/byte-text.ts). Node replaces what is no UTF-8, so such
 * arguments are read from the kernel; before the process is given a title, which takes their place. An older Node that
 * started this one (bin/didafs.js) has replaced it already: then they are read from that one.
 */
export function textArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some((argument) => argument.includes(REPLACEMENT))) return argv;
  const own = argumentsOf("self", argv);
  const replaced = own?.every((raw, at) => raw.equals(Buffer.from(argv[at] as string)));
  const raw = (replaced ? argumentsOf(process.ppid, argv) : undefined) ?? own;
  return raw === undefined ? argv : raw.map(bytesToText);
}

/** The last arguments of a process as bytes, where Node makes `argv` of them. */
function argumentsOf(pid: number | "self", argv: readonly string[]): Buffer[] | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return undefined;
  }
  const all = splitAtNul(bytes).slice(-argv.length);
  const same = all.length === argv.length && all.every((raw, at) => raw.toString() === argv[at]);
  return same ? all : undefined;
}

/** Each argument ends with a NUL. */
function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0, to = bytes.indexOf(0); to >= 0; from = to + 1, to = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, to));
  }
  return parts;
}
