/** `fs.writeSync` of 8 bytes to a plain file, so into the page cache. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { patternBytes } from "../words/pattern.ts";
import { wordCase } from "../words/word-case.ts";

export const open = wordCase(async ({ words, dir, pattern }) => {
  const file = path.join(dir, "plain");
  writeFileSync(file, patternBytes(pattern));
  const descriptor = openSync(file, "r+");
  const end = words * 8;
  const from = new Int32Array(2);
  const bytes = new Uint8Array(from.buffer);
  return {
    batch(word, count) {
      let at = word * 8;
      for (let i = 0; i < count; i++) {
        from[0] = pattern[at / 4] as number;
        from[1] = pattern[at / 4 + 1] as number;
        writeSync(descriptor, bytes, 0, 8, at);
        at += 8;
        if (at === end) at = 0;
      }
      return 0;
    },
    bytes: async () => readFileSync(file),
    close: async () => closeSync(descriptor),
  };
});
