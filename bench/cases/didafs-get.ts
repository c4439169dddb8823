/** `await window.get`, a block each, as many under way at once as the walk says. */
import { blockCase } from "../blocks/block-case.ts";
import { readBySteps, slotsOf } from "../blocks/read-back.ts";
import { openWorkingFile } from "../blocks/working-file.ts";

export const open = blockCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  return {
    along(walk) {
      const { blockBytes } = walk;
      const { halves, bytes } = slotsOf(walk);
      const step = (block: number, slot: number): Promise<unknown> =>
        window.get(block * blockBytes, bytes[slot] as Uint8Array);
      return {
        step,
        seen: (slot) => halves[slot]?.[0] as number,
        bytes: () => readBySteps({ step }, walk, bytes),
      };
    },
    close,
  };
});
