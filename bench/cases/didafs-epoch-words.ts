/** `window.epoch` in memory with puts of two words, one of each half of the file. */
import { blockCase } from "../blocks/block-case.ts";
import { openWorkingFile } from "../blocks/working-file.ts";
import { wordPairs } from "../epochs/word-pairs.ts";

const OPTIONS = { durability: "memory" } as const;

export const open = blockCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  const { pairOf, secondAt } = wordPairs(setup.pattern);
  return {
    along: () => ({
      step: (pair) =>
        window.epoch(OPTIONS, async (access) => {
          const [first, second] = pairOf(pair);
          await access.put(pair * 8, first);
          await access.put(secondAt + pair * 8, second);
        }),
      seen: () => 0,
      bytes: targetBytes,
    }),
    close,
  };
});
