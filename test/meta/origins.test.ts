import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNEL_LEASE_MS } from "../../src/meta/origins.ts";
import { FakeTarget, World } from "./harness.ts";

test("all channels of an origin live as long as one of them is heard", async (context) => {
  const world = await World.open(context);
  const origin = await world.origin();
  const silent = await world.origin([], origin.originKey);
  for (let i = 0; i < 6; i++) {
    await world.settle(CHANNEL_LEASE_MS / 2);
    await origin.call("meta.renew", {});
  }
  assert.equal(silent.channel.ended, undefined);
  assert.equal((await silent.stat("/")).type, "directory");
  await world.settle(CHANNEL_LEASE_MS * 1.2);
  assert.notEqual(silent.channel.ended, undefined);
  assert.notEqual(origin.channel.ended, undefined);
});

test("an origin that is silent ends alone", async (context) => {
  const world = await World.open(context);
  const origin = await world.origin();
  const silent = await world.enter("origin");
  await world.done(
    silent.call("meta.attach", { originKey: world.newOriginKey(), open: [] }, { timeoutMs: 1000 }),
  );
  for (let i = 0; i < 6; i++) {
    await world.settle(CHANNEL_LEASE_MS / 2);
    await origin.call("meta.renew", {});
  }
  assert.notEqual(silent.ended, undefined);
});

test("an origin that has lost one channel goes on with the others, and a channel keeps its key", async (context) => {
  const world = await World.open(context);
  await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  const other = await world.origin([], origin.originKey);
  await origin.create("/f");
  other.leave();
  await world.settle();
  assert.equal((await origin.open("/f")).capabilities.length, 1);
  const again = await world.origin([], origin.originKey);
  origin.leave();
  await world.settle();
  assert.equal((await again.open("/f")).capabilities.length, 1);
  await assert.rejects(again.call("meta.attach", { originKey: world.newOriginKey(), open: [] }), {
    code: "ERR_INVALID_ARGUMENT",
  });
});

test("a file stays open when one of its origin's channels ends, and is claimed once", async (context) => {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  const caller = await world.origin([], origin.originKey);
  const { stat } = await caller.open("/f", { create: "yes" });
  caller.leave();
  await origin.remove("/f");
  const again = await world.origin([stat.inode], origin.originKey);
  assert.equal((await again.call("meta.grant", { inode: stat.inode, rights: "r" })).stat.nlink, 0);
  assert.equal(target.regions.size, 1);
  await again.call("meta.close", { inodes: [stat.inode] });
  await world.settle();
  assert.equal(target.regions.size, 0);
});
