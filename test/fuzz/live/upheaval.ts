import type { Dice } from "../dice.ts";
import { REGION, type Siege } from "./siege.ts";
import { pause } from "./turns.ts";

const LONG_BYTES = 64 << 10;

/** While others write, makes a region shorter and longer, and takes access to another one back. */
export async function upheaval(siege: Siege, dice: Dice, isOver: () => boolean): Promise<void> {
  const { target } = siege;
  while (!isOver()) {
    const byteLength = dice.between(4097, LONG_BYTES);
    await target.call("region.resize", { inode: REGION.resized, index: 0, byteLength });
    await pause(dice.between(0, 10));
    await target.call("region.resize", { inode: REGION.resized, index: 0, byteLength: LONG_BYTES });
    siege.gen += 1;
    await target.call("region.revoke", { inode: REGION.revoked, index: 0, gen: siege.gen });
    await pause(dice.between(10, 60));
  }
}
