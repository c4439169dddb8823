/** `await window.putNotify`, as many under way as the walk says, into one queue that another process empties. */
import path from "node:path";
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { openWorkingFile } from "../blocks/working-file.ts";
import type { CountAnswer, CountOrder } from "../hand-over/counting-consumer.ts";
import { blocksOf } from "../hand-over/side.ts";
import type { ClusterAddress } from "../harness/case.ts";
import { HelperProcess } from "../harness/helper-process.ts";

const CONSUMER = new URL(
  `../hand-over/counting-consumer${path.extname(import.meta.filename)}`,
  import.meta.url,
);

export const open = blockCase(async (setup) => {
  const file = await openWorkingFile(setup);
  const consumer = new HelperProcess<CountOrder, CountAnswer>(CONSUMER);
  return {
    along({ blockBytes }) {
      const blocks = blocksOf(patternBytes(setup.pattern), blockBytes);
      let [notified, isOpen] = [0, false];
      const opened = consumer.ask({
        open: setup.cluster as ClusterAddress,
        path: setup.parameters.path as string,
        transport: setup.parameters.transport as "direct" | "tcp",
        sharing: setup.parameters.sharing as "managed" | "raw",
        blockBytes,
      });
      opened.catch(() => {});
      return {
        async step(block) {
          if (!isOpen) {
            await opened;
            isOpen = true;
          }
          notified += 1;
          await file.window.putNotify(block * blockBytes, blocks[block] as Uint8Array, block);
        },
        seen: () => 0,
        async bytes() {
          // Each that was let in is to be told, and none twice.
          await consumer.ask({ untilTold: notified });
          return await file.targetBytes();
        },
      };
    },
    async close() {
      consumer.close();
      await file.close();
    },
  };
});
