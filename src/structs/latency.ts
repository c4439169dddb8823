/**
 * Durations counted by their size, in memory that one thread adds to and others read at any time (f64, one store each:
 * no count is ever seen half written).
 *
 *     f64 words
 *        0  sumMs of all durations
 *        1  counts of the buckets                    | zero up to a line
 *
 * A duration is taken in units of 1/16 us. Below 16 of them each unit has a bucket; above, each power of two has 16 of
 * equal width. So what is told of a duration (the middle of its bucket) is off by 1/32 of it at most, or by 1/32 us.
 * The last bucket takes everything from 134 s on.
 */
export const LATENCY_BUCKETS = 448;
/** Words of one histogram, in whole lines. */
export const LATENCY_WORDS = 456;

const UNITS_PER_MS = 16_000;
const UNITS_END = 2 ** 31;
const COUNTS = 1;

/** Counts `count` durations of `ms` in the histogram at `at`. */
export function countLatency(words: Float64Array, at: number, ms: number, count: number): void {
  const bucketAt = at + COUNTS + latencyBucket(ms);
  words[at] = (words[at] as number) + ms * count;
  words[bucketAt] = (words[bucketAt] as number) + count;
}

/** The bucket of a duration; negative ones count as none. */
export function latencyBucket(ms: number): number {
  const units = ms * UNITS_PER_MS;
  if (units >= UNITS_END) return LATENCY_BUCKETS - 1;
  if (!(units >= 16)) return units > 0 ? Math.floor(units) : 0;
  const whole = Math.floor(units);
  const exponent = 31 - Math.clz32(whole);
  return ((exponent - 3) << 4) + ((whole >>> (exponent - 4)) & 15);
}

/** Milliseconds at which a bucket begins; the end of the last one for LATENCY_BUCKETS. */
export function latencyBucketMs(bucket: number): number {
  const units = bucket < 16 ? bucket : (16 + (bucket & 15)) * 2 ** ((bucket >> 4) - 1);
  return units / UNITS_PER_MS;
}

/** A copy of a histogram, or the difference of two. */
export interface Latency {
  readonly sumMs: number;
  /** By bucket. */
  readonly counts: Float64Array;
}

/** @returns the histogram at `at` as it is now */
export function readLatency(words: Float64Array, at: number): Latency {
  return {
    sumMs: words[at] as number,
    counts: words.slice(at + COUNTS, at + COUNTS + LATENCY_BUCKETS),
  };
}

/** What came to `before` since; nothing less than nothing. */
export function latencySince(now: Latency, before: Latency | undefined): Latency {
  if (before === undefined) return now;
  return {
    sumMs: Math.max(0, now.sumMs - before.sumMs),
    counts: now.counts.map((count, bucket) => Math.max(0, count - (before.counts[bucket] as number))),
  };
}

export function latencySum(all: readonly Latency[]): Latency {
  const counts = new Float64Array(LATENCY_BUCKETS);
  for (const one of all) {
    for (const [bucket, count] of one.counts.entries()) counts[bucket] = (counts[bucket] as number) + count;
  }
  return { sumMs: all.reduce((sum, { sumMs }) => sum + sumMs, 0), counts };
}

export function latencyCount({ counts }: Latency): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The duration that `fraction` (above 0, at most 1) of all do not exceed, in ms; off by 1/32 of itself at most.
 * @returns undefined where nothing was counted
 */
export function latencyPercentile(latency: Latency, fraction: number): number | undefined {
  const total = latencyCount(latency);
  if (total === 0) return undefined;
  const rank = Math.ceil(fraction * total);
  let seen = 0;
  let bucket = -1;
  while (seen < rank && bucket < LATENCY_BUCKETS - 1) {
    bucket += 1;
    seen += latency.counts[bucket] as number;
  }
  return (latencyBucketMs(bucket) + latencyBucketMs(bucket + 1)) / 2;
}
