/** `window.putSync`, a block at a time. */
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  return {
    along(walk) {
      const { blocks, blockBytes } = walk;
      const source = blockSource(setup.pattern, walk);
      return {
        batch(first, count) {
          let block = first;
          for (let i = 0; i < count; i++) {
            window.putSync(block * blockBytes, source(block));
            block += 1;
            if (block === blocks) block = 0;
          }
          return 0;
        },
        bytes: targetBytes,
      };
    },
    close,
  };
});
