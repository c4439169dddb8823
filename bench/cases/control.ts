/** What the harness costs by itself: the loop, the addresses, the sum and the clock, around a copy of two integers. */
import { blockCase } from "../blocks/block-case.ts";
import { readBySync } from "../blocks/read-back.ts";

export const open = blockCase(async ({ pattern }) => ({
  along(walk) {
    const end = walk.blocks * 8;
    const into = new Int32Array(2);
    const bytes = new Uint8Array(into.buffer);
    const batch = (block: number, count: number): number => {
      let sum = 0;
      let at = block * 8;
      for (let i = 0; i < count; i++) {
        into[0] = pattern[at / 4] as number;
        into[1] = pattern[at / 4 + 1] as number;
        sum = (sum + (into[0] as number)) | 0;
        at += 8;
        if (at === end) at = 0;
      }
      return sum;
    };
    return { batch, bytes: () => readBySync(batch, walk, bytes) };
  },
  close: async () => {},
}));
