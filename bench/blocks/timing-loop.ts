import type { AwaitedOperations, SyncOperations } from "./block-case.ts";
import type { Walk } from "./walk.ts";

/** Samples that one stretch may hold; one that fills them ends early. */
const SAMPLES_MAX = 1 << 19;
const samplesNs = new Float64Array(SAMPLES_MAX);

/** What a stretch of operations gave. `samplesNs` is per operation, and is overwritten by the next stretch. */
export interface Stretch {
  readonly samplesNs: Float64Array;
  readonly operations: number;
  readonly sum: number;
  readonly tookMs: number;
}

/** How long a stretch goes on: for `forMs`, and for `operationsMin` operations. */
export interface Extent {
  readonly forMs: number;
  readonly operationsMin: number;
}

/**
 * Runs batches of `batchOps` operations. One reading of the clock ends a
 * batch and begins the next, so that nothing goes untimed.
 */
export function runSync(
  does: Pick<SyncOperations, "batch">,
  blocks: number,
  batchOps: number,
  { forMs, operationsMin }: Extent,
): Stretch {
  let [operations, count, sum] = [0, 0, 0];
  const startMs = performance.now();
  let fromMs = startMs;
  const endMs = startMs + forMs;
  while ((fromMs < endMs || operations < operationsMin) && count < SAMPLES_MAX) {
    sum = (sum + does.batch(operations % blocks, batchOps)) | 0;
    const nowMs = performance.now();
    samplesNs[count] = ((nowMs - fromMs) * 1e6) / batchOps;
    fromMs = nowMs;
    count += 1;
    operations += batchOps;
  }
  return { samplesNs: samplesNs.subarray(0, count), operations, sum, tookMs: fromMs - startMs };
}

/**
 * The same for awaited operations, `depth` under way at once: a slot that is done starts the next one. A sample is the
 * time of one step, from its start until it has settled.
 */
export async function runSteps(
  does: Pick<AwaitedOperations, "step" | "seen" | "groupOps">,
  { blocks, depth }: Walk,
  { forMs, operationsMin }: Extent,
): Promise<Stretch> {
  const { groupOps = 1 } = does;
  let [operations, count, sum] = [0, 0, 0];
  const startMs = performance.now();
  const endMs = startMs + forMs;
  let lastMs = startMs;
  const run = async (slot: number): Promise<void> => {
    let fromMs = performance.now();
    while ((fromMs < endMs || operations < operationsMin) && operations < SAMPLES_MAX) {
      const block = operations % blocks;
      operations += groupOps;
      await does.step(block, slot);
      sum = (sum + does.seen(slot)) | 0;
      const nowMs = performance.now();
      samplesNs[count] = (nowMs - fromMs) * 1e6;
      count += 1;
      fromMs = nowMs;
    }
    lastMs = fromMs;
  };
  await Promise.all(Array.from({ length: depth / groupOps }, (_, slot) => run(slot)));
  return { samplesNs: samplesNs.subarray(0, count), operations, sum, tookMs: lastMs - startMs };
}
