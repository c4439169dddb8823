/**
 * A value of LMDB, which is synced before the put is over. One alone is a transaction of its own; of several at once its
 * Node library makes as few transactions as it can.
 */
import path from "node:path";
import { open as openLmdb } from "lmdb";
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";

export const open = blockCase(async ({ dir, pattern }) => {
  const db = openLmdb<Uint8Array, number>({
    path: path.join(dir, "blocks.mdb"),
    noSubdir: true,
    encoding: "binary",
    cache: false,
    overlappingSync: false,
  });
  return {
    along(walk) {
      const { blocks, depth } = walk;
      const source = blockSource(pattern, walk);
      const bytes = async (): Promise<Uint8Array> =>
        Buffer.concat(Array.from({ length: blocks }, (_, block) => db.get(block) as Uint8Array));
      if (depth > 1) {
        return { step: (block) => db.put(block, source(block)), seen: () => 0, bytes };
      }
      const batch = (first: number, count: number): number => {
        for (let i = 0; i < count; i++) {
          const block = (first + i) % blocks;
          db.putSync(block, source(block));
        }
        return 0;
      };
      return { batch, bytes };
    },
    close: () => db.close(),
  };
});
