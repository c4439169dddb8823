/** What each data-plane worker counts, in this order. */
const NAMES = [
  "operations",
  "tcpBytesIn",
  "tcpBytesOut",
  "unixBytesIn",
  "unixBytesOut",
  "refused",
  "protocolErrors",
  "syncs",
  "connections",
] as const;

type CounterName = (typeof NAMES)[number];

/** Where each counter lies. */
export const COUNTER = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

const COUNTER_BYTES = NAMES.length * 8;

/**
 * The counters of one worker, in memory that it shares with the control thread: one writer, plain additions. A reader
 * may see a count that is an instant old, never a wrong one.
 */
export function createCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(COUNTER_BYTES));
}

/** The sums over all workers, by name. */
export function sumCounters(workers: readonly Float64Array[]): Record<CounterName, number> {
  const sums = {} as Record<CounterName, number>;
  for (const name of NAMES) {
    sums[name] = workers.reduce((sum, counters) => sum + (counters[COUNTER[name]] as number), 0);
  }
  return sums;
}
