import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EpochLog } from "../../src/epoch/log.ts";
import { statusOf } from "../../src/std/errors.ts";
import { homeWorker } from "../../src/target/open-regions.ts";
import { ScriptedWorkers } from "./scripted-workers.ts";
import { TargetFixture, type TargetFixtureOptions } from "./target-fixture.ts";

const MIB = 1 << 20;

async function serving(options: TargetFixtureOptions = {}) {
  const fixture = new TargetFixture({ scripted: true, ...options });
  const workers = new ScriptedWorkers(fixture);
  await fixture.registered();
  const want = async (worker: number) => {
    const before = workers.orders(worker, "epoch-log").length;
    workers.say(worker, { type: "epoch-log-wanted" });
    for (let round = 0; workers.orders(worker, "epoch-log").length === before; round += 1) {
      assert.ok(round < 100, "a want is answered");
      await fixture.step();
    }
    const orders = workers.orders(worker, "epoch-log");
    assert.equal(orders.length, before + 1);
    const { log, status } = orders[before] as (typeof orders)[number];
    return { log, status };
  };
  return { fixture, workers, want };
}

describe("logs of epochs", () => {
  test("are made for those workers that want one, whole and durable before they have it", async () => {
    const { fixture, workers } = await serving({ holdSyncs: true });
    assert.deepEqual(fixture.drive.names(), []);
    workers.say(1, { type: "epoch-log-wanted" });
    workers.say(1, { type: "epoch-log-wanted" });
    await fixture.steps(5);
    assert.deepEqual(fixture.drive.names(), ["epochs.1"]);
    assert.deepEqual(workers.orders(1, "epoch-log"), [], "not before the syncs");
    fixture.syncer.doWork();
    await fixture.steps(5);
    assert.deepEqual(workers.orders(1, "epoch-log"), [], "not before the sync of names");
    fixture.holdSyncs = false;
    const { log, status } = await workers.order(1, "epoch-log");
    assert.deepEqual(fixture.drive.synced, [log?.descriptor, "names"]);
    assert.ok(log);
    const { descriptor, byteLength, name, durable, secret } = log;
    assert.deepEqual([status, byteLength, name, durable], [0, 64 * MIB, "epochs.1 of target-7", true]);
    assert.ok(Number.isInteger(secret) && secret >= 0 && secret < 2 ** 32);
    const bytes = fixture.memory.map(descriptor, 0, byteLength, true).u8;
    assert.deepEqual([...new EpochLog(bytes, "log", secret).recover()], []);
    assert.equal(fixture.drive.openCount, 1, "it stays open");
    assert.deepEqual(workers.types(0).includes("epoch-log"), false);
  });

  test("have secrets of their own, and whoever asks again is given the same log", async () => {
    const { fixture, want } = await serving();
    const [first, second, again] = [await want(0), await want(1), await want(0)];
    assert.notEqual(first.log?.secret, second.log?.secret);
    assert.equal(again.log?.descriptor, first.log?.descriptor);
    assert.equal(fixture.drive.openCount, 2);
  });

  test("are no regions: those that list the drive do not see them", async () => {
    const { fixture, want } = await serving();
    await want(0);
    await fixture.createRegion(1, 0, 100);
    assert.equal(fixture.control.report().regions, 1);
    const { regions } = await fixture.call("region.list", { limit: 10 });
    assert.deepEqual(regions, [{ inode: 1, index: 0 }]);
  });

  test("are shorter on a small drive, but no shorter than 4 MiB", async () => {
    const sizes = { 511: 32, 300: 32, 200: 16, 64: 8, 63: 4, 5: 4 };
    for (const [driveMib, logMib] of Object.entries(sizes)) {
      const { want } = await serving({ driveBytes: Number(driveMib) * MIB });
      assert.equal((await want(0)).log?.byteLength, logMib * MIB, `on ${driveMib} MiB`);
    }
  });

  test("a full drive says so to those who want one, each time, until there is room", async () => {
    const { fixture, want } = await serving({ driveBytes: 6 * MIB });
    await fixture.createRegion(1, 0, 3 * MIB);
    const none = { log: undefined, status: statusOf("ERR_NO_SPACE") };
    assert.deepEqual([await want(0), await want(0)], [none, none]);
    assert.deepEqual(fixture.drive.names(), ["1.0"], "nothing is left of it");
    const full = fixture.log.lines.filter(({ msg }) => msg === "the drive is full");
    assert.deepEqual([full.length, full[0]?.fields.epochsOfWorker], [1, 0]);
    await fixture.createRegion(2, 0, MIB);
    await fixture.removeRegion(1, 0);
    assert.equal((await want(0)).log?.byteLength, 4 * MIB);
  });

  test("a sync that fails leaves no log that is taken for a durable one", async () => {
    const { fixture, want } = await serving();
    fixture.drive.failSyncs = true;
    assert.deepEqual(await want(0), { log: undefined, status: statusOf("ERR_IO") });
    assert.deepEqual([fixture.drive.names(), fixture.drive.openCount], [[], 0]);
    fixture.drive.failSyncs = false;
    assert.ok((await want(0)).log);
  });

  test("one whose making was cut off is an empty log, whatever there is of it, and gets its place on the drive", async () => {
    const found = await serving();
    const { drive, memory } = found.fixture;
    drive.create("epochs.0", 0).close();
    drive.create("epochs.1", 5000).close();
    const { fixture, workers, want } = await serving({ found: { memory, drive } });
    for (const worker of [0, 1]) {
      assert.equal((await workers.order(worker, "epoch-self")).log, undefined);
      const { log } = await want(worker);
      assert.equal(log?.byteLength, 64 * MIB);
    }
    assert.equal(fixture.drive.openCount, 2);
    // Longer than one that would be made now.
    drive.create("7.0", 2 ** 40 - 200 * MIB).close();
    const again = await serving({ found: { memory, drive } });
    assert.equal((await again.want(0)).log?.byteLength, 64 * MIB);
  });

  test("lie in files where regions lie in memory, and are never synced", async () => {
    const { fixture, want } = await serving({ drive: "memory" });
    const { log, status } = await want(0);
    assert.deepEqual([status, log?.durable], [0, false]);
    assert.deepEqual([fixture.drive.names(), fixture.logs.names()], [[], ["epochs.0"]]);
    assert.deepEqual([fixture.logs.kind, fixture.logs.synced], ["file", []]);
  });
});

test("the home of a region that is removed is told so, open or not, once it is gone for good", async () => {
  const { fixture, workers } = await serving({ holdSyncs: true });
  const inode = 11;
  const home = homeWorker(inode, 0, 2);
  fixture.holdSyncs = false;
  await fixture.createRegion(inode, 0, 100);
  fixture.holdSyncs = true;
  const removal = fixture.metaChannel?.call("region.remove", { inode, index: 0 }, { timeoutMs: 1e6 });
  await fixture.steps(5);
  assert.deepEqual(workers.orders(home, "region-removed"), [], "it could come back");
  fixture.holdSyncs = false;
  await fixture.settle(removal as Promise<unknown>);
  assert.deepEqual(await workers.order(home, "region-removed"), { type: "region-removed", inode, index: 0 });
  assert.deepEqual(workers.orders(1 - home, "region-removed"), []);
  await fixture.createRegion(12, 0, 100);
  await fixture.call("region.sweep", { inode: 12, index: 0 });
  await fixture.step();
  const told = [0, 1].flatMap((worker) => workers.orders(worker, "region-removed"));
  assert.deepEqual(told.map((order) => order.inode).sort(), [11, 12]);
});
