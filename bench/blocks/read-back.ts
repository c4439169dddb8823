import type { AwaitedOperations, SyncOperations } from "./block-case.ts";
import type { Walk } from "./walk.ts";

/** Every block of the working set, as the measured operation reads it. @param seen the block read last */
export async function readBySync(
  batch: SyncOperations["batch"],
  { blocks, blockBytes }: Walk,
  seen: Uint8Array,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(blocks * blockBytes);
  for (let block = 0; block < blocks; block++) {
    batch(block, 1);
    bytes.set(seen, block * blockBytes);
  }
  return bytes;
}

/** The same by awaited operations, as many at once as when they are measured. @param slots the blocks read last */
export async function readBySteps(
  { step, groupOps = 1 }: Pick<AwaitedOperations, "step" | "groupOps">,
  { blocks, blockBytes, depth }: Walk,
  slots: readonly Uint8Array[],
): Promise<Uint8Array> {
  const bytes = new Uint8Array(blocks * blockBytes);
  for (let block = 0; block < blocks; block += depth) {
    const steps = Array.from({ length: depth / groupOps }, (_, slot) => step(block + slot, slot));
    await Promise.all(steps);
    for (const [at, slot] of slots.entries()) bytes.set(slot, (block + at) * blockBytes);
  }
  return bytes;
}

/** A buffer of one block for each operation that is under way at once: as bytes, and as halves of words. */
export function slotsOf({ blockBytes, depth }: Walk): {
  readonly bytes: readonly Uint8Array[];
  readonly halves: readonly Int32Array[];
} {
  const halves = Array.from({ length: depth }, () => new Int32Array(blockBytes / 4));
  return { halves, bytes: halves.map(({ buffer }) => new Uint8Array(buffer)) };
}
