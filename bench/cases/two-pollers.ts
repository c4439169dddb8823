/** Two clients that poll, and the target that they poll, on one processor or on all. */
import path from "node:path";
import { hashOf } from "../blocks/pattern.ts";
import { type PollerOrder, type PollerRun, WORD } from "../crowd/poller-messages.ts";
import type { Case, OpenCase } from "../harness/case.ts";
import { HelperProcess } from "../harness/helper-process.ts";
import { WHOLE } from "../harness/messages.ts";
import { startOwnCluster } from "../harness/own-cluster.ts";
import { timingOf } from "../harness/statistics.ts";
import { FASTER_PERCENT } from "../rows/s1.ts";

const CLIENT = new URL(`../crowd/poller-client${path.extname(import.meta.filename)}`, import.meta.url);
/** In one round a process may get the processor late: shares are of what was done until now. */
const POLLERS = 2;

export const open: OpenCase = async ({ dir, parameters }) => {
  // -1: on all.
  const onProcessor = parameters.onProcessor === -1 ? undefined : (parameters.onProcessor as number);
  const cluster = await startOwnCluster(path.join(dir, "cluster"), 1, onProcessor);
  const pollers: HelperProcess<PollerOrder, PollerRun | undefined>[] = [];
  for (let i = 0; i < POLLERS; i++) {
    const poller = new HelperProcess<PollerOrder, PollerRun | undefined>(CLIENT, onProcessor);
    await poller.ask({ open: cluster.address, path: `/polled-${i}` });
    pollers.push(poller);
  }
  const done: number[] = new Array(POLLERS).fill(0);
  const bench: Case = {
    async round(_seed, forMs) {
      const answers = await Promise.all(pollers.map((poller) => poller.ask({ runMs: forMs })));
      const runs = answers as PollerRun[];
      for (const [i, { samplesNs }] of runs.entries()) done[i] = (done[i] as number) + samplesNs.length;
      const all = Float64Array.from(runs.flatMap(({ samplesNs }) => Array.from(samplesNs)));
      const operationsPerSecond = runs.reduce(
        (sum, run) => sum + (run.samplesNs.length / run.tookMs) * 1e3,
        0,
      );
      const faster = Math.max(...done) / done.reduce((sum, count) => sum + count, 0);
      return {
        lines: { [WHOLE]: { ...timingOf(all), operations: all.length, operationsPerSecond } },
        hash: hashOf(Buffer.from(runs.map(({ isRight }) => (isRight ? WORD : "another word")).join())),
        expectedHash: hashOf(Buffer.from(runs.map(() => WORD).join())),
        counts: { [FASTER_PERCENT]: Math.round(faster * 100) },
      };
    },
    async close() {
      for (const poller of pollers) poller.close();
      await cluster.stop();
    },
  };
  return bench;
};
