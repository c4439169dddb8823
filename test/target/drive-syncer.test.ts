import assert from "node:assert/strict";
import { test } from "node:test";
import type { DriveSync } from "../../src/ports/drive.ts";
import { SimPoller } from "../../src/sim/poller.ts";
import {
  completionErrno,
  entryTicket,
  fillSubmission,
  nextCompletion,
  publishSubmission,
  releaseCompletion,
  SYNC_NAMES,
  syncAreaBytes,
  syncQueueAt,
} from "../../src/structs/sync-queue.ts";
import { DriveSyncer } from "../../src/target/drive-syncer.ts";

const EIO = 5;
const AT = syncQueueAt(0);

/** Runs one batch of requests and gives the calls made to the drive, and each request's errno. */
function runBatch(descriptors: number[], drive: Partial<DriveSync>): { calls: string[]; errnos: number[] } {
  const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(1)));
  const calls: string[] = [];
  const noted =
    (name: string, call: ((descriptor: number) => number) | undefined) => (descriptor: number) => {
      calls.push(`${name} ${descriptor}`);
      return call?.(descriptor) ?? 0;
    };
  const syncer = new DriveSyncer(
    {
      startWriting: noted("start", drive.startWriting),
      awaitWriting: noted("await", drive.awaitWriting),
      sync: noted("sync", drive.sync),
      syncNames: () => noted("sync", drive.syncNames)(SYNC_NAMES),
      close: () => {},
    },
    words,
    [new SimPoller()],
  );
  for (const [ticket, descriptor] of descriptors.entries()) {
    fillSubmission(words, AT, ticket, descriptor);
    publishSubmission(words, AT);
  }
  assert.equal(syncer.doWork(), descriptors.length);
  const errnos: number[] = [];
  for (let entry = nextCompletion(words, AT); entry >= 0; entry = nextCompletion(words, AT)) {
    errnos[entryTicket(words, entry)] = completionErrno(words, entry);
    releaseCompletion(words, AT);
  }
  return { calls, errnos };
}

test("a batch is written together before its first sync; each object is synced once", () => {
  const { calls, errnos } = runBatch([7, SYNC_NAMES, 8, 7], {});
  assert.deepEqual(errnos, [0, 0, 0, 0]);
  assert.deepEqual(calls, [
    ...["start 7", "start 8", "start 7", "await 7", "await 8", "await 7"],
    ...["sync 7", `sync ${SYNC_NAMES}`, "sync 8"],
  ]);
});

test("one request alone is only synced", () => {
  assert.deepEqual(runBatch([7], {}).calls, ["sync 7"]);
});

test("a failure that the kernel tells only once, before the sync, fails every request for that object", () => {
  for (const phase of ["startWriting", "awaitWriting", "sync"] as const) {
    let told = false;
    const failOnce = (descriptor: number): number => {
      if (descriptor !== 7 || told) return 0;
      told = true;
      return EIO;
    };
    assert.deepEqual(runBatch([7, 8, 7], { [phase]: failOnce }).errnos, [EIO, 0, EIO], phase);
  }
});
