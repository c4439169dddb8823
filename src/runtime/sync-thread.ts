/**
 * The sync thread of a durable drive. Started by target-threads.ts with {@link SyncThreadData}; posts one message once it
 * serves, from when on it needs its producers' descriptors no more.
 */
import { parentPort, workerData } from "node:worker_threads";
import { awaitDoorbell, doorbell } from "../structs/sync-queue.ts";
import { openFileDriveSync } from "../system/file-drive.ts";
import { createWaker } from "../system/poller.ts";
import { DriveSyncer } from "../target/drive-syncer.ts";

export interface SyncThreadData {
  /** The drive's directory. */
  readonly directory: string;
  readonly syncArea: SharedArrayBuffer;
  /** Of the producers, in the order of their queues. */
  readonly wakeDescriptors: readonly number[];
  /** One word: not 0 once the thread is to end. Ring the doorbell after it. */
  readonly stop: SharedArrayBuffer;
}

/** Longest sleep; the doorbell ends it. */
const WAIT_MS = 10_000;

const data = workerData as SyncThreadData;
const words = new Int32Array(data.syncArea);
const stop = new Int32Array(data.stop);
const drive = openFileDriveSync(data.directory);
const wakers = data.wakeDescriptors.map((descriptor) => createWaker(descriptor));
const syncer = new DriveSyncer(drive, words, wakers);
parentPort?.postMessage("ready");
for (;;) {
  // Read before the queues are looked at: whoever rings after that ends the sleep before it begins.
  const seen = doorbell(words);
  if (syncer.doWork() > 0) continue;
  if (Atomics.load(stop, 0) !== 0) break;
  awaitDoorbell(words, seen, WAIT_MS);
}
for (const waker of wakers) waker.close();
drive.close();
