import { openSharedFiles } from "./shared-files.ts";
import { parametersOf, type Side, type SideSetup, sideBlocks } from "./side.ts";

/** The other side waits between rounds, too. */
const ENDLESS = { timeoutMs: Number.POSITIVE_INFINITY };

/** `window.putNotify`, to a queue of the other side's that waits in `next()`. */
export async function openNotifiedSide(setup: SideSetup): Promise<Side> {
  const { blockBytes } = setup;
  const reads = parametersOf(setup).reads === 1;
  const { mine, theirs, theirBytes, close } = await openSharedFiles(setup);
  const queue = await theirs.notifications();
  const blocks = sideBlocks(setup);
  return {
    address: "",
    send: (block) => mine.putNotify(block * blockBytes, blocks.mine[block] as Uint8Array, block),
    async receive() {
      const { tag, at, length } = await queue.next(ENDLESS);
      if (at !== tag * blockBytes || length !== blockBytes) {
        throw new Error(`block ${tag} was said to be ${length} bytes at ${at}`);
      }
      if (reads) await theirs.get(at, blocks.theirs[tag] as Uint8Array);
      return tag;
    },
    received: async () => (reads ? blocks.seen : await theirBytes()),
    close,
  };
}
