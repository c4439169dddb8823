/** Blocks that two processes hand over to each other, one at a time: half of the way there and back is timed. */
import path from "node:path";
import { timedOf } from "../blocks/block-case.ts";
import { fillPattern, hashOf, patternBytes, patternWords, walkSeed } from "../blocks/pattern.ts";
import type { Extent, Stretch } from "../blocks/timing-loop.ts";
import { walksOf } from "../blocks/walk.ts";
import { openSide } from "../hand-over/open-side.ts";
import type { SideAnswer, SideOrder } from "../hand-over/other-side.ts";
import { parametersOf, type Side } from "../hand-over/side.ts";
import { type Case, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import { HelperProcess } from "../harness/helper-process.ts";
import type { Round, Timed } from "../harness/messages.ts";

const OTHER_SIDE = new URL(`../hand-over/other-side${path.extname(import.meta.filename)}`, import.meta.url);
/** Before each stretch, because the processor has worked for others meanwhile. */
const SETTLE_MS = 5;
/** One stretch may hold so many samples; one that fills them ends early. */
const SAMPLES_MAX = 1 << 19;
const samplesNs = new Float64Array(SAMPLES_MAX);

/** Where a side is in its circle of blocks. */
interface Place {
  block: number;
  readonly blocks: number;
}

export const open: OpenCase = async (setup) => {
  const { sizes, workingBytes } = parametersOf(setup);
  const pattern = patternWords(workingBytes);
  fillPattern(pattern, 0);
  const other = new HelperProcess<SideOrder, SideAnswer>(OTHER_SIDE);
  const walks = walksOf({ workingBytes, blockBytes: sizes, depth: 1, batchOps: 1 });
  const lines: { key: string; blockBytes: number; side: Side; place: Place }[] = [];
  for (const [key, { blocks, blockBytes }] of walks) {
    const side = await openSide({ ...setup, blockBytes, pattern, firstAddress: undefined });
    await other.ask({ open: setup, blockBytes, firstAddress: side.address });
    lines.push({ key, blockBytes, side, place: { block: 0, blocks } });
  }
  const round = async (seed: number, forMs: number): Promise<Round> => {
    const timed: Record<string, Timed> = {};
    let hashes: Pick<Round, "hash" | "expectedHash"> = { hash: undefined, expectedHash: undefined };
    for (const [index, { key, blockBytes, side, place }] of lines.entries()) {
      if (seed === WARM_UP_SEED) {
        await handOver(side, place, { forMs, operationsMin: 0 });
        continue;
      }
      // Other blocks than before, so that one that never left is noticed.
      const blocksSeed = walkSeed(seed, lines.length - 1 - index);
      fillPattern(pattern, blocksSeed);
      await other.ask({ seed: blocksSeed });
      await handOver(side, place, { forMs: SETTLE_MS, operationsMin: 0 });
      timed[key] = timedOf(await handOver(side, place, { forMs, operationsMin: 2 * place.blocks }));
      const expectedHash = hashOf(patternBytes(pattern));
      const there = await other.ask({ received: blockBytes });
      const hash = there === expectedHash ? hashOf(await side.received()) : there;
      hashes = { hash, expectedHash };
      if (hash !== expectedHash) break;
    }
    return { lines: timed, ...hashes };
  };
  const bench: Case = {
    round,
    async close() {
      other.close();
      for (const { side } of lines) await side.close();
    },
  };
  return bench;
};

/** There and back is two operations, of which each took half. */
async function handOver(side: Side, place: Place, { forMs, operationsMin }: Extent): Promise<Stretch> {
  let count = 0;
  const startMs = performance.now();
  const endMs = startMs + forMs;
  let lastMs = startMs;
  while ((lastMs < endMs || 2 * count < operationsMin) && count < SAMPLES_MAX) {
    const { block } = place;
    const fromMs = performance.now();
    const sent = side.send(block);
    const answered = await side.receive();
    lastMs = performance.now();
    samplesNs[count] = ((lastMs - fromMs) * 1e6) / 2;
    count += 1;
    if (answered !== block) throw new Error(`block ${answered} came back, not ${block}`);
    await sent;
    place.block = (block + 1) % place.blocks;
  }
  return { samplesNs: samplesNs.subarray(0, count), operations: 2 * count, sum: 0, tookMs: lastMs - startMs };
}
