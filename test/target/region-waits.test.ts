import assert from "node:assert/strict";
import { test } from "node:test";
import { SimDrive } from "../../src/sim/drive.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { decodeRegionHeader, REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { isWaitedFor, publishWaits } from "../../src/structs/region-waits.ts";
import { syncAreaBytes, syncQueueAt } from "../../src/structs/sync-queue.ts";
import { RegionStore } from "../../src/target/region-store.ts";
import { SyncClient } from "../../src/target/sync-client.ts";

test("those who waited in a former life of a target are forgotten when a region is opened, and its header is none the worse", async () => {
  const memory = new SimMemory();
  const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(1)));
  // A drive that has nothing to sync.
  const drive = new SimDrive(memory, "memory");
  const store = new RegionStore(drive, memory, new SyncClient({ words, at: syncQueueAt(0) }));
  await store.create(7, 0, 5000);
  const { object, header } = store.open(7, 0);
  const page = memory.map(object.descriptor, 0, REGION_HEADER_BYTES, true);
  publishWaits(page.i32, 3);
  assert.ok(isWaitedFor(page.i32));
  assert.deepEqual(decodeRegionHeader(page.u8, "7.0"), header, "beside the slots");
  assert.deepEqual(store.open(7, 0).header, header);
  assert.equal(isWaitedFor(page.i32), false);
});
