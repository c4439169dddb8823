import assert from "node:assert/strict";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import { bodyOf, type Entry, entryOf, type LogClass, recovered, SECRET, settle } from "./log-run.ts";

const SECTOR_BYTES = 512;
const RING_BYTES = 8 * SECTOR_BYTES;

/** Of the records that each of two lives appends: lengths of bodies. */
const LENGTHS = [
  // All begin and end inside of sectors; some heads lie in two.
  [640, 464, 552],
  // The second life's records end where those of the first do, or inside of them.
  [1000, 1000],
  [480, 480, 480, 480],
] as const;

/**
 * Two lives append the same lengths, and each time the power is lost: every mixture of sectors that a drive can leave, the second
 * on top of each of the first. @returns how many mixtures there were
 */
export function tryMixtures(Log: LogClass, laps: number): number {
  let count = 0;
  for (const lengths of LENGTHS) {
    const { bytes: before, history } = prepared(Log, laps, lengths);
    const first = appended(Log, before, history, lengths, 1);
    for (const bytes of mixtures(before, first.bytes)) {
      const opened = reopened(Log, bytes, history, first.history);
      const second = appended(Log, opened.bytes, opened.history, lengths, 2);
      for (const again of mixtures(opened.bytes, second.bytes)) {
        reopened(Log, again, opened.history, second.history);
        count += 1;
      }
    }
  }
  return count;
}

/** A log with one durable record, on top of what so many laps have left. */
function prepared(
  Log: LogClass,
  laps: number,
  lengths: readonly number[],
): { bytes: Uint8Array; history: Entry[] } {
  const bytes = new Uint8Array(EPOCH_LOG_HEADER_BYTES + RING_BYTES);
  const log = new Log(bytes, "log", SECRET);
  assert.deepEqual(recovered(log), []);
  settle(log);
  // As many bytes as a lap has, so that each record lies where one of the next lap will.
  const lap = [72, ...lengths];
  lap.push(RING_BYTES - lap.reduce((sum, length) => sum + length + 24, 0) - 24);
  for (let i = 0; i < laps * lap.length; i += 1) {
    log.append(9, [bodyOf(lap[i % lap.length] as number, 9)]);
    settle(log);
    log.advance(log.end);
    settle(log);
  }
  const history = [entryOf(log, 3, bodyOf(72, 3))];
  log.append(3, [bodyOf(72, 3)]);
  settle(log);
  return { bytes, history };
}

/** A life that opens the log and appends, all in memory. */
function appended(
  Log: LogClass,
  before: Uint8Array,
  history: readonly Entry[],
  lengths: readonly number[],
  kind: number,
): { bytes: Uint8Array; history: Entry[] } {
  const bytes = before.slice();
  const log = new Log(bytes, "log", SECRET);
  assert.deepEqual(recovered(log), history);
  settle(log);
  // What the opening has synced stays.
  before.set(bytes);
  const all = [...history];
  for (const length of lengths) {
    all.push(entryOf(log, kind, bodyOf(length, kind)));
    log.append(kind, [bodyOf(length, kind)]);
  }
  return { bytes, history: all };
}

/** @returns what is there for the next life */
function reopened(
  Log: LogClass,
  left: Uint8Array,
  certain: readonly Entry[],
  history: readonly Entry[],
): { bytes: Uint8Array; history: Entry[] } {
  const bytes = left.slice();
  const found = recovered(new Log(bytes, "log", SECRET));
  assert.ok(found.length >= certain.length, "nothing is missing");
  assert.deepEqual(found, history.slice(0, found.length), "what is found was appended, one behind the other");
  return { bytes, history: found };
}

/** All that a drive can leave that had `before` and was to write `after`. */
function* mixtures(before: Uint8Array, after: Uint8Array): Generator<Uint8Array> {
  const changed: number[] = [];
  for (let at = 0; at < after.length; at += SECTOR_BYTES) {
    const end = at + SECTOR_BYTES;
    if (Buffer.compare(before.subarray(at, end), after.subarray(at, end)) !== 0) changed.push(at);
  }
  for (let set = 0; set < 2 ** changed.length; set += 1) {
    const bytes = before.slice();
    for (const [i, at] of changed.entries()) {
      if ((set & (1 << i)) !== 0) bytes.set(after.subarray(at, at + SECTOR_BYTES), at);
    }
    yield bytes;
  }
}
