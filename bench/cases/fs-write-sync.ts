/** `fs.writeSync` of a block to a plain file, so into the page cache. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";
import { patternBytes } from "../blocks/pattern.ts";

export const open = blockCase(async ({ dir, pattern }) => {
  const file = path.join(dir, "plain");
  writeFileSync(file, patternBytes(pattern));
  const descriptor = openSync(file, "r+");
  return {
    along(walk) {
      const { blocks, blockBytes } = walk;
      const source = blockSource(pattern, walk);
      return {
        batch(first, count) {
          let block = first;
          for (let i = 0; i < count; i++) {
            writeSync(descriptor, source(block), 0, blockBytes, block * blockBytes);
            block += 1;
            if (block === blocks) block = 0;
          }
          return 0;
        },
        bytes: async () => readFileSync(file),
      };
    },
    close: async () => closeSync(descriptor),
  };
});
