/** `fs.readSync` of 8 bytes from a plain file, which lies in the page cache. */
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import path from "node:path";
import { patternBytes } from "../words/pattern.ts";
import { wordCase } from "../words/word-case.ts";
import { readByCase } from "../words/working-file.ts";

export const open = wordCase(async ({ words, dir, pattern }) => {
  const file = path.join(dir, "plain");
  writeFileSync(file, patternBytes(pattern));
  const descriptor = openSync(file, "r");
  const end = words * 8;
  const into = new Int32Array(2);
  const bytes = new Uint8Array(into.buffer);
  const batch = (word: number, count: number): number => {
    let sum = 0;
    let at = word * 8;
    for (let i = 0; i < count; i++) {
      readSync(descriptor, bytes, 0, 8, at);
      sum = (sum + (into[0] as number)) | 0;
      at += 8;
      if (at === end) at = 0;
    }
    return sum;
  };
  return {
    batch,
    bytes: () => readByCase({ batch }, words, bytes),
    close: async () => closeSync(descriptor),
  };
});
