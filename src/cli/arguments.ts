import { readFileSync } from "node:fs";
import { bytesToText } from "../std/byte-text.ts";

const REPLACEMENT = "\ufffd";

/**
 * The command line's arguments in the text form of names (std/byte-text.ts). Node replaces what is no UTF-8, so such
 * arguments are read from the kernel; before the process is given a title, which takes their place.
 */
export function textArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some((argument) => argument.includes(REPLACEMENT))) return argv;
  const bytes = readFileSync("/proc/self/cmdline");
  const all = splitAtNul(bytes).slice(-argv.length);
  const same = all.length === argv.length && all.every((raw, at) => raw.toString() === argv[at]);
  return same ? all.map(bytesToText) : argv;
}

/** Each argument ends with a NUL. */
function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0, to = bytes.indexOf(0); to >= 0; from = to + 1, to = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, to));
  }
  return parts;
}
