/** `window.epoch` with one put of a block, by as many origins at once as the walk says, each with a session of its own. */
import type { DidafsWindow } from "../../src/client/api.ts";
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";
import { openWorkingFile, openWorkingWindow, type WorkingWindow } from "../blocks/working-file.ts";
import type { ClusterAddress } from "../harness/case.ts";
import { targetCount } from "../harness/target-counts.ts";
import { type EpochDurability, syncsPerEpoch } from "../rows/e1.ts";

/** An origin that is overtaken by a whole circle of the others writes the block that one of them writes. */
const RETRIES = 10;

export const open = blockCase(async (setup) => {
  const { durability, depth } = setup.parameters as {
    readonly durability: EpochDurability;
    readonly depth: readonly number[];
  };
  const first = await openWorkingFile(setup);
  const origins: WorkingWindow[] = [first];
  while (origins.length < Math.max(...depth)) origins.push(await openWorkingWindow(setup));
  const options = { durability, retries: RETRIES };
  return {
    along(walk) {
      const { blockBytes } = walk;
      const source = blockSource(setup.pattern, walk);
      const windows = origins.map(({ window }) => window);
      return {
        step: (block, slot) =>
          (windows[slot] as DidafsWindow).epoch(options, (access) =>
            access.put(block * blockBytes, source(block)),
          ),
        seen: () => 0,
        bytes: first.targetBytes,
        counted: () => ({
          [syncsPerEpoch(walk.depth)]: targetCount(setup.cluster as ClusterAddress, "syncs"),
        }),
      };
    },
    async close() {
      await Promise.all(origins.map((origin) => origin.close()));
    },
  };
});
