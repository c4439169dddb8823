/** The same for awaited operations: promises that are resolved already, as many at once as operations would be. */
import { blockCase } from "../blocks/block-case.ts";
import { readBySteps, slotsOf } from "../blocks/read-back.ts";

export const open = blockCase(async ({ pattern }) => ({
  along(walk) {
    const { halves, bytes } = slotsOf(walk);
    const step = async (block: number, slot: number): Promise<void> => {
      const into = halves[slot] as Int32Array;
      into[0] = pattern[block * 2] as number;
      into[1] = pattern[block * 2 + 1] as number;
    };
    return {
      step,
      seen: (slot) => halves[slot]?.[0] as number,
      bytes: () => readBySteps({ step }, walk, bytes),
    };
  },
  close: async () => {},
}));
