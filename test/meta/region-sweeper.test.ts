import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DidafsError } from "../../src/std/errors.ts";
import { FakeTarget, World } from "./harness.ts";

async function cluster(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  return { world, target, origin };
}

const again = async (world: World, target: FakeTarget) => {
  target.leave();
  await world.settle();
  target.calls.length = 0;
  await target.register();
  await world.settle();
};

describe("regions that no file has", () => {
  test("go when the target registers, unless they may hold anybody's bytes", async (context) => {
    const { world, target, origin } = await cluster(context);
    const { stat } = await origin.create("/f");
    // Numbers that were given out to creates which a crash has cut off.
    target.regions.set(`${stat.inode + 1}.0`, 5);
    target.regions.set(`${stat.inode + 1}.1`, 5);
    target.regions.set(`${stat.inode + 2}.0`, 5);
    target.written.add(`${stat.inode + 2}.0`);
    await again(world, target);
    assert.deepEqual([...target.regions.keys()], [`${stat.inode}.0`, `${stat.inode + 2}.0`]);
  });

  test("of numbers that these metadata never gave out are not touched: they are another's", async (context) => {
    const { world, target, origin } = await cluster(context);
    const { stat } = await origin.create("/f");
    target.regions.set(`${stat.inode + 100_000}.0`, 5);
    await again(world, target);
    assert.equal(target.regions.size, 2);
    assert.deepEqual(target.calls, []);
    assert.ok(world.log.complaints.some(({ msg }) => /never gave out/.test(msg)));
  });

  test("that a crash between making and committing has left go", async (context) => {
    const { world, target, origin } = await cluster(context);
    await origin.create("/f");
    const held = Promise.withResolvers<void>();
    target.hold = held.promise;
    origin.begin("meta.open", { path: "/g", create: "yes", rights: "rw" });
    await world.settle();
    await world.restart();
    held.resolve();
    target.hold = undefined;
    await world.settle();
    assert.equal(target.regions.size, 2, "the target has made it");
    await target.register();
    await world.settle();
    assert.equal(target.regions.size, 1);
  });

  test("files being made, open ones without a name, and noted removals are left alone", async (context) => {
    const { world, target, origin } = await cluster(context);
    const other = await new FakeTarget(world, 2).register();
    const orphan = await origin.open("/orphan", { create: "yes", targets: 2 });
    await origin.remove("/orphan");
    const held = Promise.withResolvers<void>();
    other.hold = held.promise;
    // The region of one target is there, that of the other takes its time.
    const making = origin.begin("meta.open", { path: "/slow", create: "yes", rights: "rw", targets: 2 });
    await world.settle();
    const channel = target.channel;
    await target.register();
    await world.settle();
    assert.ok(channel.ended, "it has registered anew");
    assert.equal(target.calls.filter((call) => call.startsWith("sweep")).length, 0);
    held.resolve();
    await world.settle();
    const made = await making;
    assert.deepEqual(
      [...target.regions.keys()].map((name) => Number.parseInt(name, 10)),
      [orphan.stat.inode, made.stat.inode],
    );
  });

  test("page by page; what fails is done at the next registration", async (context) => {
    const { world, target, origin } = await cluster(context);
    const { stat } = await origin.create("/f");
    const { inode } = stat;
    for (let i = 1; i <= 700; i += 1) target.regions.set(`${inode + i}.0`, 5);
    target.listRefusal = new DidafsError("ERR_IO", "bad sector");
    await again(world, target);
    assert.equal(target.regions.size, 701);
    assert.ok(world.log.complaints.some(({ msg }) => /sweeping regions failed/.test(msg)));
    target.listRefusal = undefined;
    await again(world, target);
    assert.deepEqual([...target.regions.keys()], [`${inode}.0`]);
  });
});
