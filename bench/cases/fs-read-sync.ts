/** `fs.readSync` of a block from a plain file, which lies in the page cache. */
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import path from "node:path";
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { readBySync } from "../blocks/read-back.ts";

export const open = blockCase(async ({ dir, pattern }) => {
  const file = path.join(dir, "plain");
  writeFileSync(file, patternBytes(pattern));
  const descriptor = openSync(file, "r");
  return {
    along(walk) {
      const { blocks, blockBytes } = walk;
      const end = blocks * blockBytes;
      const into = new Int32Array(blockBytes / 4);
      const bytes = new Uint8Array(into.buffer);
      const batch = (block: number, count: number): number => {
        let sum = 0;
        let at = block * blockBytes;
        for (let i = 0; i < count; i++) {
          readSync(descriptor, bytes, 0, blockBytes, at);
          sum = (sum + (into[0] as number)) | 0;
          at += blockBytes;
          if (at === end) at = 0;
        }
        return sum;
      };
      return { batch, bytes: () => readBySync(batch, walk, bytes) };
    },
    close: async () => closeSync(descriptor),
  };
});
