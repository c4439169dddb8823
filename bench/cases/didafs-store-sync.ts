/** `window.storeSync` of an i64, from a number. */
import { blockCase } from "../blocks/block-case.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  const { pattern } = setup;
  return {
    along({ blocks }) {
      const end = blocks * 8;
      return {
        batch(block, count) {
          let at = block * 8;
          for (let i = 0; i < count; i++) {
            const low = (pattern[at / 4] as number) >>> 0;
            window.storeSync(at, (pattern[at / 4 + 1] as number) * 2 ** 32 + low);
            at += 8;
            if (at === end) at = 0;
          }
          return 0;
        },
        bytes: targetBytes,
      };
    },
    close,
  };
});
