import assert from "node:assert/strict";
import { isDidafsError } from "../../src/std/errors.ts";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import { RECORD_HEAD_BYTES } from "../../src/structs/epoch-log-record.ts";
import { bodyOf, type Entry, entryOf, type LogRun, recovered, SECRET, settle } from "./log-run.ts";

/** A bit of the object, or of the head of one of its records. */
export interface Flip {
  readonly at: number;
  readonly bit: number;
  readonly record: number | undefined;
}

/**
 * Opens what `run` has written with some bits changed: it is refused, or has what was appended up to somewhere. Then it is used
 * on, and what is appended is found behind that and nothing else. @returns how it went
 */
export function openDamaged(run: LogRun, flips: readonly Flip[], bodyBytes: number): string {
  const { Log } = run;
  const bytes = run.live.slice();
  const certain = recovered(new Log(run.live.slice(), "log", SECRET));
  for (const flip of flips) {
    const place = placeOf(flip, certain, bytes.length);
    bytes[place] = (bytes[place] as number) ^ (1 << flip.bit);
  }
  try {
    const log = new Log(bytes, "log", SECRET);
    const { start } = log;
    const found = recovered(log);
    assert.ok(run.starts.has(start), "it begins where it was told to");
    const expected = run.history.filter(({ position }) => position >= start);
    assert.deepEqual(found, expected.slice(0, found.length), "what is found was appended");
    settle(log);
    for (let kind = 100; kind < 103; kind += 1) {
      const entry = entryOf(log, kind, bodyOf(bodyBytes, kind));
      if (log.append(kind, [bodyOf(bodyBytes, kind)]) > 0) found.push(entry);
      assert.deepEqual(recovered(new Log(bytes.slice(), "log", SECRET)), found, "what was appended is found");
    }
    return found.length < certain.length ? "shorter" : "whole";
  } catch (error) {
    if (isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) return error.code;
    throw error;
  }
}

function placeOf({ at, record }: Flip, certain: readonly Entry[], objectBytes: number): number {
  const entry = record === undefined ? undefined : certain[record % Math.max(1, certain.length)];
  if (entry === undefined) return at % objectBytes;
  const ringBytes = objectBytes - EPOCH_LOG_HEADER_BYTES;
  return EPOCH_LOG_HEADER_BYTES + ((entry.position + (at % RECORD_HEAD_BYTES)) % ringBytes);
}
