/** The other process of a case that hands blocks over: for each block that it is handed over it hands over one of its own. */
import { fillPattern, hashOf, patternWords } from "../blocks/pattern.ts";
import type { CaseSetup } from "../harness/case.ts";
import { answerOrders } from "../harness/helper-process.ts";
import { openSide } from "./open-side.ts";
import { parametersOf, type Side } from "./side.ts";

export type SideOrder =
  | { readonly open: CaseSetup; readonly blockBytes: number; readonly firstAddress: string }
  /** From now on other blocks are handed over. None is under way. */
  | { readonly seed: number }
  /** Asks for the hash of what it was handed over, in blocks of that size. */
  | { readonly received: number };

/** A hash, where one was asked for. */
export type SideAnswer = string | undefined;

const sides = new Map<number, Side>();
let pattern: Int32Array | undefined;

async function answerBlocks(side: Side, blocks: number): Promise<never> {
  let sent: Promise<unknown> | undefined;
  let told = side.receive();
  for (let expected = 0; ; expected = (expected + 1) % blocks) {
    const block = await told;
    if (block !== expected) throw new Error(`block ${block} was handed over, not ${expected}`);
    await sent;
    // Only then what may wait: nothing comes before the first side has this block.
    sent = side.send(block);
    told = side.receive();
  }
}

answerOrders<SideOrder, SideAnswer>(async (order) => {
  if ("open" in order) {
    const { open: setup, blockBytes, firstAddress } = order;
    const { workingBytes } = parametersOf(setup);
    if (pattern === undefined) {
      pattern = patternWords(workingBytes);
      fillPattern(pattern, 0);
    }
    const side = await openSide({ ...setup, blockBytes, pattern, firstAddress });
    sides.set(blockBytes, side);
    // What it throws ends this process, and is told where the bench was started.
    void answerBlocks(side, workingBytes / blockBytes);
  } else if ("seed" in order) {
    fillPattern(pattern as Int32Array, order.seed);
  } else if ("received" in order) {
    return hashOf(await (sides.get(order.received) as Side).received());
  }
  return undefined;
});
