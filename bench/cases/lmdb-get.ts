/** A value of LMDB, by a number as its key, in the way of its Node library that copies and allocates least. */
import path from "node:path";
import { open as openLmdb } from "lmdb";
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";

export const open = blockCase(async ({ dir, pattern }) => {
  const db = openLmdb<Uint8Array, number>({
    path: path.join(dir, "blocks.mdb"),
    noSubdir: true,
    encoding: "binary",
    cache: false,
  });
  return {
    along({ blocks, blockBytes }) {
      const bytes = patternBytes(pattern);
      db.transactionSync(() => {
        for (let block = 0; block < blocks; block++) {
          db.putSync(block, bytes.subarray(block * blockBytes, (block + 1) * blockBytes));
        }
      });
      const get = (block: number): Buffer => db.getBinaryFast(block) as Buffer;
      return {
        batch(first, count) {
          let sum = 0;
          let block = first;
          for (let i = 0; i < count; i++) {
            sum = (sum + get(block).readInt32LE(0)) | 0;
            block += 1;
            if (block === blocks) block = 0;
          }
          return sum;
        },
        bytes: async () => {
          const read = new Uint8Array(blocks * blockBytes);
          // Each lies in a buffer that the next one reuses, and that may be longer.
          for (let block = 0; block < blocks; block++) {
            read.set(get(block).subarray(0, blockBytes), block * blockBytes);
          }
          return read;
        },
      };
    },
    close: () => db.close(),
  };
});
