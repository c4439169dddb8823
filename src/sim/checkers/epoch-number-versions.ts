import type { KeyHistory, Read, Write } from "./epoch-reads.ts";
import type { Spans } from "./epoch-spans.ts";
import { follow, newVersion, type Version } from "./epoch-versions.ts";

/** When a version was there, as far as is known: from `settled` on it or a later one, and itself at `current` or later. */
interface Stay {
  readonly version: Version;
  settled: number;
  current: number;
}

/**
 * The versions of a number, with what is known of their order. One is later than another one that its own epoch has read,
 * or that an epoch read before it; and later than one that was there before a moment at which it was still to come or to
 * be read.
 */
export function numberVersions(key: KeyHistory, counts: Uint8Array, spans: Spans): Version[] {
  const first: Stay = {
    version: newVersion(),
    settled: Number.NEGATIVE_INFINITY,
    current: Number.NEGATIVE_INFINITY,
  };
  const stays = new Map<number, Stay>([[0, first]]);
  const written = new Map<number, Write>();
  for (const write of key.writes.values()) {
    const { epoch, value, isLast } = write;
    if (counts[epoch] === 0 || !isLast) continue;
    const version = newVersion(write);
    stays.set(value, { version, settled: spans.to[epoch] as number, current: spans.from[epoch] as number });
    written.set(epoch, write);
  }
  let before: Read | undefined;
  for (const read of key.reads) {
    const stay = stays.get(read.value) as Stay;
    stay.version.readers.push(read);
    stay.settled = Math.min(stay.settled, spans.to[read.epoch] as number);
    stay.current = Math.max(stay.current, spans.from[read.epoch] as number);
    const replaced = written.get(read.epoch);
    if (replaced !== undefined) follow(stay.version, replaced);
    if (before?.epoch === read.epoch && before.value !== read.value && read.value !== 0) {
      follow((stays.get(before.value) as Stay).version, key.writes.get(read.value) as Write);
    }
    before = read;
  }
  followInTime([...stays.values()]);
  return [...stays.values()].map(({ version }) => version);
}

/** Of those that are later in time than a version, it is enough to name those that are not later than another one of them. */
function followInTime(stays: Stay[]): void {
  stays.sort((a, b) => a.current - b.current);
  const earliest = earliestSettled(stays);
  for (const stay of stays) {
    const from = firstAfter(stays, stay.settled);
    const [best, second] = earliest[from] as Pair;
    const other = best === stay ? second : best;
    if (other === undefined) continue;
    followStay(stay, other);
    for (let i = from; i < stays.length; i += 1) {
      const later = stays[i] as Stay;
      if (later.current > other.settled) break;
      if (later !== stay) followStay(stay, later);
    }
  }
}

/** What is there at first is later than nothing; where times say so, its readers are in a circle. */
function followStay({ version }: Stay, { version: later }: Stay): void {
  if (later.write !== undefined) follow(version, later.write, version.write !== undefined);
}

type Pair = readonly [best: Stay | undefined, second: Stay | undefined];

/** For each position the two that are settled first, of that one and all behind it. */
function earliestSettled(stays: readonly Stay[]): Pair[] {
  const pairs: Pair[] = new Array(stays.length + 1);
  let pair: Pair = [undefined, undefined];
  pairs[stays.length] = pair;
  for (let i = stays.length - 1; i >= 0; i -= 1) {
    const stay = stays[i] as Stay;
    const [best, second] = pair;
    if (best === undefined || stay.settled < best.settled) pair = [stay, best];
    else if (second === undefined || stay.settled < second.settled) pair = [best, stay];
    pairs[i] = pair;
  }
  return pairs;
}

/** The first whose `current` is above `at`. */
function firstAfter(stays: readonly Stay[], at: number): number {
  let low = 0;
  let high = stays.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stays[middle] as Stay).current > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
