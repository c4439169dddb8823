import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DriveObject } from "../../src/ports/drive.ts";
import { SimDisk } from "../../src/sim/disk.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { NOTHING_LOST } from "../../src/sim/power-losses.ts";
import { SimRandom } from "../../src/sim/random.ts";

const BYTES = 2048;
const SECTOR = 512;
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

function diskOf(seed: number, kind: "file" | "memory" = "file") {
  const memory = new SimMemory();
  const options = { kind, number: 1, totalBytes: 1 << 20, pace: 1 } as const;
  const disk = new SimDisk(memory, new SimRandom(seed), options);
  const bytesOf = (name: string): Uint8Array | undefined => {
    const object = disk.open(name);
    object?.close();
    return object && memory.map(object.descriptor, 0, object.byteLength, true).u8;
  };
  return { disk, bytesOf };
}

function syncAll(disk: SimDisk, name: string): void {
  const object = disk.open(name);
  assert.ok(object);
  assert.deepEqual([disk.sync(object.descriptor), disk.syncNames()], [0, 0]);
  disk.finishSyncs();
  object.close();
}

describe("a simulated disk", () => {
  it("keeps what was synced over a loss of power, and of the rest whole sectors as the seed says", () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const { disk, bytesOf } = diskOf(seed);
      disk.create("x", BYTES).close();
      bytesOf("x")?.fill(1);
      syncAll(disk, "x");
      bytesOf("x")?.fill(2, SECTOR);
      disk.losePower();
      const left = bytesOf("x");
      assert.ok(left);
      assert.ok(left.subarray(0, SECTOR).every((byte) => byte === 1));
      const sectors = [1, 2, 3].map((at) => new Set(left.subarray(at * SECTOR, (at + 1) * SECTOR)));
      for (const sector of sectors) assert.equal(sector.size, 1, "no sector is torn");
      seen.add(sectors.map((sector) => [...sector].join()).join());
    }
    assert.ok(seen.size >= 4, `seeds differ: ${[...seen].join(" ")}`);
    assert.ok(seen.has("1,1,1") && seen.has("2,2,2"));
  });

  it("promises what was there when a sync began, once it has ended", () => {
    const lost = SEEDS.filter((seed) => {
      const { disk, bytesOf } = diskOf(seed);
      const object = disk.create("x", BYTES);
      syncAll(disk, "x");
      bytesOf("x")?.fill(1);
      disk.sync(object.descriptor);
      disk.losePower();
      return bytesOf("x")?.includes(0);
    });
    assert.ok(lost.length > 0, "a sync that has not ended promises nothing");
    const behind = SEEDS.filter((seed) => {
      const { disk, bytesOf } = diskOf(seed);
      const object = disk.create("x", BYTES);
      disk.syncNames();
      bytesOf("x")?.fill(1);
      disk.sync(object.descriptor);
      bytesOf("x")?.fill(2);
      disk.finishSyncs();
      disk.losePower();
      assert.ok(!bytesOf("x")?.includes(0));
      return bytesOf("x")?.includes(1);
    });
    assert.ok(behind.length > 0, "what came after it began is not promised");
  });

  it("drops what it failed to sync, and a later sync does not bring it back", () => {
    const lost = SEEDS.filter((seed) => {
      const { disk, bytesOf } = diskOf(seed);
      const object = disk.create("x", BYTES);
      syncAll(disk, "x");
      bytesOf("x")?.fill(1);
      disk.faults.syncErrorRate = 1;
      assert.equal(disk.sync(object.descriptor), 5);
      disk.faults.syncErrorRate = 0;
      assert.equal(disk.sync(object.descriptor), 0);
      disk.finishSyncs();
      disk.losePower();
      return bytesOf("x")?.includes(0);
    });
    assert.ok(lost.length > SEEDS.length / 2);
  });

  it("loses names that were not synced, and finds again what was removed without that", () => {
    const left = SEEDS.map((seed) => {
      const { disk } = diskOf(seed);
      disk.create("kept", BYTES).close();
      disk.create("removed", BYTES).close();
      disk.syncNames();
      disk.remove("removed");
      disk.create("new", BYTES).close();
      disk.losePower();
      return disk.names().sort().join();
    });
    assert.deepEqual([...new Set(left)].sort(), ["kept", "kept,new", "kept,new,removed", "kept,removed"]);
  });

  it("says what a loss of power did to what no sync had covered", () => {
    const said = new Set<string>();
    for (const seed of SEEDS) {
      const { disk, bytesOf } = diskOf(seed);
      disk.create("x", BYTES).close();
      syncAll(disk, "x");
      assert.deepEqual(disk.losePower(), NOTHING_LOST);
      const { descriptor } = disk.open("x") as DriveObject;
      // It is known which of the two came first: one when the sync had not begun.
      bytesOf("x")?.fill(1, 0, SECTOR);
      disk.sync(descriptor);
      bytesOf("x")?.fill(1, SECTOR, 2 * SECTOR);
      const loss = disk.losePower();
      const [first, second] = [0, SECTOR].map((at) => bytesOf("x")?.[at] === 1);
      assert.equal(loss.lost, !(first && second));
      assert.equal(loss.reordered, second && !first);
      // Where the sync has written the first of them already, there is only one to lose.
      if (loss.torn) assert.notEqual(first, second);
      said.add(Object.values(loss).map(Number).join(""));
    }
    assert.deepEqual([...said].sort(), ["1000", "1100", "1110", "1111"]);
  });

  it("says that all of an object is lost whose name is", () => {
    const lost = SEEDS.filter((seed) => {
      const { disk, bytesOf } = diskOf(seed);
      disk.create("new", BYTES).close();
      bytesOf("new")?.fill(1);
      const loss = disk.losePower();
      assert.ok(loss.unsynced);
      if (disk.names().length === 0) assert.ok(loss.lost && !loss.torn);
      return disk.names().length === 0;
    });
    assert.ok(lost.length > 0 && lost.length < SEEDS.length);
  });

  it("leaves everything to the next process of its machine, but for what lies in memory", () => {
    for (const kind of ["file", "memory"] as const) {
      const { disk, bytesOf } = diskOf(1, kind);
      disk.create("x", BYTES);
      bytesOf("x")?.fill(7);
      disk.processEnded();
      assert.equal(bytesOf("x")?.[0], kind === "file" ? 7 : undefined);
    }
  });

  it("is full, and fails to be read, when it is told so", () => {
    const { disk } = diskOf(1);
    disk.create("x", BYTES).close();
    disk.faults.full = true;
    assert.throws(() => disk.create("y", 1), { code: "ERR_NO_SPACE" });
    assert.throws(() => disk.open("x")?.extend(0, 2 * BYTES), { code: "ERR_NO_SPACE" });
    disk.faults.readErrorRate = 1;
    assert.throws(() => disk.open("x"), { code: "ERR_IO" });
  });
});
