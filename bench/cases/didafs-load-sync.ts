/** `window.loadSync` of an i64, as a number. */
import { blockCase } from "../blocks/block-case.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  return {
    along({ blocks }) {
      const end = blocks * 8;
      return {
        batch(block, count) {
          let sum = 0;
          let at = block * 8;
          for (let i = 0; i < count; i++) {
            sum = (sum + window.loadSync(at)) | 0;
            at += 8;
            if (at === end) at = 0;
          }
          return sum;
        },
        async bytes() {
          const words = new BigInt64Array(blocks);
          for (let block = 0; block < blocks; block++) words[block] = BigInt(window.loadSync(block * 8));
          return new Uint8Array(words.buffer);
        },
      };
    },
    close,
  };
});
