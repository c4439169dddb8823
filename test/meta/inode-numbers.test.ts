import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTarget, World } from "./harness.ts";

test("no repair makes the service run out of inode numbers", async (context) => {
  const world = await World.open(context);
  await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  for (const inode of [2 ** 53 - 1, 2 ** 52]) {
    const problem = { kind: "low-inode-number", inode } as const;
    const { state, reason } = await origin.call("meta.repair", { problem, apply: true });
    assert.deepEqual([state, reason], ["refused", `no number can come behind ${inode}: remove what has it`]);
  }
  // Beyond the numbers that the service has set aside already.
  await world.restart();
  const again = await world.origin();
  await again.mkdir("/a");
  const { inode } = await again.stat("/a");
  assert.ok(inode < 10_000, `${inode}`);
});
