/** `window.putNotify` to a queue of another session in the same process, so that two threads poll and not three. */
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { openWorkingFile, openWorkingWindow } from "../blocks/working-file.ts";
import { blocksOf } from "../hand-over/side.ts";

export const open = blockCase(async (setup) => {
  const file = await openWorkingFile(setup);
  const consumer = await openWorkingWindow(setup);
  const queue = await consumer.window.notifications();
  return {
    along({ blockBytes }) {
      const blocks = blocksOf(patternBytes(setup.pattern), blockBytes);
      return {
        async step(block) {
          const notified = file.window.putNotify(block * blockBytes, blocks[block] as Uint8Array, block);
          const { tag } = await queue.next();
          if (tag !== block) throw new Error(`block ${tag} was told, not ${block}`);
          await notified;
        },
        seen: () => 0,
        bytes: file.targetBytes,
      };
    },
    async close() {
      await consumer.close();
      await file.close();
    },
  };
});
