import assert from "node:assert/strict";
import { test } from "node:test";
import { inodeKey } from "../../src/meta/keys.ts";
import { FakeTarget, type Origin, World } from "./harness.ts";

/** Makes the inode's record one of a version that this program cannot read, or the one that it was. */
async function setVersion(world: World, inode: number, version: number): Promise<void> {
  await world.engine.transact((kv) => {
    const value = Buffer.from(kv.get(inodeKey(inode)) as Uint8Array);
    value[2] = version;
    kv.set(inodeKey(inode), value);
  });
}

async function pass(world: World, target: FakeTarget, origin: Origin, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await world.settle(1000);
    await target.beat();
    await origin.call("meta.renew", {});
  }
}

const inodes = async (origin: Origin) => (await origin.call("meta.statfs", {})).inodes;
const kept = (world: World) => world.log.complaints.filter(({ msg }) => msg.includes("cannot be read"));

test("a removed file that cannot be read stays, is named once, and keeps nothing else from going", async (context) => {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  const { stat } = await origin.create("/a/bad");
  for (const path of ["/a/0", "/a/sub/sub/file", "/a/z"]) await origin.create(path);
  for (let i = 0; i < 300; i += 1) await origin.create(`/b/${i}`);
  await setVersion(world, stat.inode, 77);
  await origin.remove("/a", { recursive: true });
  await origin.remove("/b", { recursive: true });
  await pass(world, target, origin, 12_000);
  assert.equal(await inodes(origin), 2, "the root, and what cannot be read");
  assert.equal(target.regions.size, 1);
  assert.equal(kept(world).length, 1, world.log.text());
  assert.deepEqual([kept(world)[0]?.fields.name, kept(world)[0]?.fields.code], ["bad", "ERR_VERSION"]);

  // The program that can read it finishes the work.
  await setVersion(world, stat.inode, 2);
  await world.restart();
  const [again, later] = [await new FakeTarget(world, 1).register(), await world.origin()];
  // Until then somebody may say that he has it open.
  await pass(world, again, later, 25_000);
  assert.equal(await inodes(later), 1);
});

test("what is thrown away while a pass finds nothing that it can remove goes all the same", async (context) => {
  const world = await World.open(context);
  await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  for (let i = 0; i < 8; i += 1) await origin.create(`/early${i}/file`);
  const { stat } = await origin.create("/bad/file");
  await setVersion(world, stat.inode, 77);
  await origin.remove("/bad", { recursive: true });
  for (let i = 0; i < 8; i += 1) {
    // Begins a pass, in which the next one comes: behind it, for its number is lower.
    const empty = `/empty${i}`;
    await origin.create(`${empty}/file`);
    const removals = [origin.begin("meta.remove", { path: empty, recursive: true })];
    for (let step = 0; step < i; step += 1) await world.step();
    removals.push(origin.begin("meta.remove", { path: `/early${i}`, recursive: true }));
    await world.done(Promise.all(removals));
    assert.equal(await inodes(origin), 2 + 2 * (7 - i), `after ${i} steps`);
  }
});

test("a file without a name that cannot be read stays, is named once, and keeps no other from going", async (context) => {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const [opener, other] = [await world.origin(), await world.origin()];
  const opened: number[] = [];
  for (const path of ["/1", "/2", "/3"]) opened.push((await opener.open(path, { create: "yes" })).stat.inode);
  for (const path of ["/1", "/2", "/3"]) await other.remove(path);
  await setVersion(world, opened[1] as number, 77);
  opener.leave();
  await pass(world, target, other, 12_000);
  assert.equal(await inodes(other), 2, "the root, and what cannot be read");
  assert.equal(target.regions.size, 1);
  assert.equal(kept(world).length, 1, world.log.text());
  assert.equal(kept(world)[0]?.fields.inode, opened[1]);
});
