import type { PromiseCase, SyncCase } from "./word-case.ts";

/** Samples that one round may hold; a round that fills them ends early. */
const SAMPLES_MAX = 1 << 19;
const samplesNs = new Float64Array(SAMPLES_MAX);

/** What a stretch of operations gave. `samplesNs` is per operation, and is overwritten by the next stretch. */
export interface Stretch {
  readonly samplesNs: Float64Array;
  readonly operations: number;
  readonly sum: number;
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
  bench: SyncCase,
  words: number,
  batchOps: number,
  { forMs, operationsMin }: Extent,
): Stretch {
  let [operations, count, sum] = [0, 0, 0];
  let fromMs = performance.now();
  const endMs = fromMs + forMs;
  while ((fromMs < endMs || operations < operationsMin) && count < SAMPLES_MAX) {
    sum = (sum + bench.batch(operations % words, batchOps)) | 0;
    const nowMs = performance.now();
    samplesNs[count] = ((nowMs - fromMs) * 1e6) / batchOps;
    fromMs = nowMs;
    count += 1;
    operations += batchOps;
  }
  return { samplesNs: samplesNs.subarray(0, count), operations, sum };
}

/** The same for awaited operations, one at a time. */
export async function runPromises(
  bench: PromiseCase,
  words: number,
  { forMs, operationsMin }: Extent,
): Promise<Stretch> {
  let [operations, sum] = [0, 0];
  let fromMs = performance.now();
  const endMs = fromMs + forMs;
  while ((fromMs < endMs || operations < operationsMin) && operations < SAMPLES_MAX) {
    await bench.step(operations % words);
    sum = (sum + bench.seen()) | 0;
    const nowMs = performance.now();
    samplesNs[operations] = (nowMs - fromMs) * 1e6;
    fromMs = nowMs;
    operations += 1;
  }
  return { samplesNs: samplesNs.subarray(0, operations), operations, sum };
}
