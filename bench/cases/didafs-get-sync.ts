/** `window.getSync`, a block at a time. */
import { blockCase } from "../blocks/block-case.ts";
import { readBySync } from "../blocks/read-back.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
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
          window.getSync(at, bytes);
          sum = (sum + (into[0] as number)) | 0;
          at += blockBytes;
          if (at === end) at = 0;
        }
        return sum;
      };
      return { batch, bytes: () => readBySync(batch, walk, bytes) };
    },
    close,
  };
});
