/**
 * What a target's control thread says of itself, in its block of the counters (counters-header.ts). It alone writes, one
 * f64 after the other; a reader may see some of an instant before the others.
 *
 *     f64 words
 *        0  aliveMs: its clock at its last step, which comes five times a second at least | 7 zero
 *        8  the counts, in the order of NAMES                                              | zero up to the page's end
 */
export const CONTROL_BLOCK_BYTES = 4096;

/** Only added to at the end. Sessions are those that are open; everything else counts since the target started. */
const NAMES = [
  "sessions",
  /** Descriptors passed to origins for mapping, and the bytes of their regions. */
  "mappings",
  "mappedBytes",
  /** Regions taken out of service because their sync failed. */
  "failedRegions",
  /** Sessions that were ended because they broke the protocol. */
  "violations",
  /** Calls that failed by a fault of ours. */
  "faults",
  "capabilitiesRefused",
  "capabilitiesExpired",
  "capabilitiesRevoked",
  "capabilitiesExceeded",
] as const;

export type ControlCounts = Readonly<Record<(typeof NAMES)[number], number>>;

const ALIVE = 0;
const COUNTS = 8;

/** Private counters, for who has none to share. */
export function createControlCounters(): Float64Array {
  return new Float64Array(CONTROL_BLOCK_BYTES / 8);
}

/** The control thread is alive. */
export function controlAlive(words: Float64Array, nowMs: number): void {
  words[ALIVE] = nowMs;
}

export function writeControlCounts(words: Float64Array, counts: ControlCounts): void {
  for (const [at, name] of NAMES.entries()) words[COUNTS + at] = counts[name];
}

export function controlAliveMs(words: Float64Array): number {
  return words[ALIVE] as number;
}

export function readControlCounts(words: Float64Array): ControlCounts {
  return Object.fromEntries(
    NAMES.map((name, at) => [name, words[COUNTS + at] as number]),
  ) as unknown as ControlCounts;
}
