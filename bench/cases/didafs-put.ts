/** `await window.put`, a block at a time. */
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  return {
    along(walk) {
      const { blockBytes } = walk;
      const source = blockSource(setup.pattern, walk);
      return {
        step: (block) => window.put(block * blockBytes, source(block)),
        seen: () => 0,
        bytes: targetBytes,
      };
    },
    close,
  };
});
