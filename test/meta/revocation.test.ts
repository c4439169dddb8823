import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LEASE_GRACE, LEASE_MS_MAX } from "../../src/wire/leases.ts";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

const LONGEST_MS = LEASE_MS_MAX * LEASE_GRACE;

async function cluster(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  const { stat } = await origin.create("/f");
  return { world, target, origin, inode: stat.inode };
}

/** Begins to take access to /f back. */
function revoke(origin: Origin) {
  const state = { done: false };
  const revoking = origin.channel.call("meta.revoke", { path: "/f" }, { timeoutMs: 10 * LONGEST_MS });
  const ended = revoking.finally(() => {
    state.done = true;
  });
  ended.catch(() => {});
  return { state, ended };
}

/** Lets time pass, in which the origin keeps its lease and the targets are heard. */
async function pass(world: World, ms: number, origin: Origin, ...targets: FakeTarget[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await world.settle(1000);
    await origin.call("meta.renew", {});
    for (const target of targets) await target.beat();
  }
}

describe("taking access back", () => {
  test("waits for holders as long as a target does, which is the longest lease", async (context) => {
    const { world, target, origin, inode } = await cluster(context);
    const hold = Promise.withResolvers<void>();
    target.revokeHold = hold.promise;
    const { state, ended } = revoke(origin);
    await pass(world, LONGEST_MS, origin, target);
    assert.equal(state.done, false);
    hold.resolve();
    await world.done(ended);
    assert.deepEqual(target.calls.slice(-1), [`revoke ${inode}.0 2`]);
  });

  test("waits until the leases of a target that is out of reach have ended, its own and those behind it, and no longer", async (context) => {
    const { world, target, origin } = await cluster(context);
    target.leave();
    const { state, ended } = revoke(origin);
    await pass(world, 21_000, origin);
    assert.equal(state.done, false);
    await pass(world, 2000, origin);
    assert.equal(state.done, true);
    await ended;
  });

  test("does not wait for an earlier life of a target, and tells a target that comes back as it was", async (context) => {
    const { world, target, origin, inode } = await cluster(context);
    target.leave();
    const first = revoke(origin);
    await pass(world, 1000, origin);
    assert.equal(first.state.done, false);
    await target.register();
    await pass(world, 1000, origin);
    assert.equal(first.state.done, true);
    assert.deepEqual(target.calls.slice(-1), [`revoke ${inode}.0 2`]);

    target.leave();
    const second = revoke(origin);
    await pass(world, 1000, origin);
    target.incarnation = "2".repeat(32);
    await target.register();
    await pass(world, 1000, origin);
    assert.equal(second.state.done, true);
  });

  test("gives up on a target that lives and does not confirm, and says that nobody knows", async (context) => {
    const { world, target, origin } = await cluster(context);
    target.revokeHold = new Promise(() => {});
    const { ended } = revoke(origin);
    await pass(world, 2 * LONGEST_MS, origin, target);
    await assert.rejects(ended, { code: "ERR_TIMEOUT", applied: "unknown", target: target.id });
  });

  test("is for files", async (context) => {
    const { origin } = await cluster(context);
    await refused(origin.call("meta.revoke", { path: "/" }), "EISDIR");
    await refused(origin.call("meta.revoke", { path: "/none" }), "ENOENT");
  });
});
