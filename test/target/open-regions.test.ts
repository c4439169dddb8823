import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenRegions } from "../../src/target/open-regions.ts";
import type { RegionStore } from "../../src/target/region-store.ts";
import type { WorkerLink } from "../../src/target/worker-link.ts";

test("regions in use at a time are bounded: a process without mappings would end", async () => {
  const object = { close: () => {} };
  const open = (inode: number, index: number) => ({
    object,
    header: { inode, index, byteLength: 1, written: false, sequence: 0 },
  });
  const worker = { unmap: async () => {} };
  const regions = new OpenRegions({ open } as unknown as RegionStore, [worker as unknown as WorkerLink]);
  const first = await regions.acquire(0, 0, "raw");
  for (let inode = 1; inode < 32_768; inode += 1) await regions.acquire(inode, 0, "raw");
  await assert.rejects(regions.acquire(32_768, 0, "raw"), { code: "ERR_TOO_MANY" });
  await regions.acquire(7, 0, "raw");
  // One without a user makes room: it is open only because that is quicker.
  regions.release(first);
  await regions.acquire(32_768, 0, "raw");
  await assert.rejects(regions.acquire(32_769, 0, "raw"), { code: "ERR_TOO_MANY" });
});

test("a region that is removed, or makes room, while somebody is being given it stays open for them", async () => {
  const closed: string[] = [];
  const open = (inode: number, index: number) => ({
    object: { close: () => closed.push(`${inode}`) },
    header: { inode, index, byteLength: 1, written: false, sequence: 0 },
  });
  const worker = { unmap: async () => {} };
  const regions = new OpenRegions({ open } as unknown as RegionStore, [worker as unknown as WorkerLink]);
  const acquiring = regions.acquire(1, 0, "managed");
  regions.removed(1, 0);
  const removed = await acquiring;
  assert.deepEqual(closed, []);
  regions.release(removed);
  await new Promise(setImmediate);
  assert.deepEqual(closed, ["1"]);

  // 2 is the least recent of those that stay open without a user, until it is asked for; then 3 is.
  for (let inode = 2; inode < 2 + 256; inode += 1)
    regions.release(await regions.acquire(inode, 0, "managed"));
  const last = await regions.acquire(1000, 0, "managed");
  const again = regions.acquire(2, 0, "managed");
  regions.release(last);
  regions.release(await again);
  await new Promise(setImmediate);
  assert.deepEqual(closed, ["1", "3"]);
});
