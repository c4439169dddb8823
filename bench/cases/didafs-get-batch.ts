/** `window.batch()`: as many gets as the walk says at once, then `run` or `runSync`. */
import { blockCase } from "../blocks/block-case.ts";
import { readBySteps, slotsOf } from "../blocks/read-back.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  const inSync = setup.parameters.run === "sync";
  return {
    along(walk) {
      const { blockBytes, depth } = walk;
      const { halves, bytes } = slotsOf(walk);
      const batch = window.batch();
      const step = (block: number): Promise<void> | undefined => {
        for (let i = 0; i < depth; i++) batch.get((block + i) * blockBytes, bytes[i] as Uint8Array);
        if (!inSync) return batch.run();
        batch.runSync();
        return undefined;
      };
      return {
        step,
        groupOps: depth,
        seen() {
          let sum = 0;
          for (let i = 0; i < depth; i++) sum = (sum + (halves[i]?.[0] as number)) | 0;
          return sum;
        },
        bytes: () => readBySteps({ step, groupOps: depth }, walk, bytes),
      };
    },
    close,
  };
});
