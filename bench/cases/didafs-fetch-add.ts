/** `window.fetchAddSync` on one word: by this process, or by another one at the same time. */
import { timedOf } from "../blocks/block-case.ts";
import { runSync } from "../blocks/timing-loop.ts";
import { makeCounter, openCounter, targetWord } from "../counters/counter.ts";
import { Partner } from "../counters/partner.ts";
import { type CounterParameters, checkAdded, startBytes } from "../counters/words.ts";
import type { Case, OpenCase } from "../harness/case.ts";
import { WHOLE } from "../harness/messages.ts";

/** Before each round, because the processor has worked for others meanwhile. */
const SETTLE_MS = 5;

export const open: OpenCase = async (setup) => {
  const { word, processes, batchOps } = setup.parameters as unknown as CounterParameters;
  await makeCounter(setup);
  const { window, add, close } = await openCounter(setup);
  const partner = processes > 1 ? await Partner.open(setup) : undefined;
  const does = { batch: (_block: number, count: number) => add(count) };
  const bench: Case = {
    async round(seed, forMs) {
      const start = startBytes(word, seed);
      window.putSync(0, start);
      await partner?.start();
      const settled = runSync(does, 1, batchOps, { forMs: SETTLE_MS, operationsMin: 0 });
      const stretch = runSync(does, 1, batchOps, { forMs, operationsMin: batchOps });
      const others = (await partner?.stop()) ?? { operations: 0, sum: 0, tookMs: 1 };
      const timed = timedOf(stretch);
      const added = {
        operations: settled.operations + stretch.operations + others.operations,
        sum: settled.sum + stretch.sum + others.sum,
      };
      return {
        lines: {
          [WHOLE]: {
            ...timed,
            operationsPerSecond: timed.operationsPerSecond + (others.operations / others.tookMs) * 1e3,
          },
        },
        ...checkAdded(word, start, await targetWord(setup), added),
      };
    },
    async close() {
      await partner?.close();
      await close();
    },
  };
  return bench;
};
