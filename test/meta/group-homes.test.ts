import assert from "node:assert/strict";
import { test } from "node:test";
import { groupHome } from "../../src/meta/group-homes.ts";
import { FakeTarget, type Origin, World } from "./harness.ts";

const NAMES = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(32, "0"));
const TARGETS = Array.from({ length: 5 }, (_, i) => String(i).padStart(32, "0"));

test("each target is home to about as many groups as others, and one that comes takes only what it wins", () => {
  const homes = NAMES.map((name) => groupHome(name, TARGETS));
  for (const id of TARGETS) {
    const count = homes.filter((home) => home === id).length;
    assert.ok(count > 15 && count < 80, `${count} of 200`);
  }
  const more = [...TARGETS, "9".repeat(32)];
  for (const [i, name] of NAMES.entries()) {
    const home = groupHome(name, more);
    assert.ok(home === homes[i] || home === more.at(-1));
    assert.equal(groupHome(name, more.toReversed()), home, "in whatever order they are listed");
  }
  assert.equal(groupHome("any", []), undefined);
});

async function homesOf(origin: Origin, names: readonly string[]): Promise<string[]> {
  const homes: string[] = [];
  for (const name of names) homes.push((await origin.call("meta.groupHome", { name })).endpoint.target);
  return homes;
}

test("all are told the same home, also by a service that was started anew, and while the home is down nobody is told another", async (context) => {
  const world = await World.open(context);
  const asker = await world.origin();
  await assert.rejects(asker.call("meta.groupHome", { name: NAMES[0] as string }), { code: "ERR_NO_TARGET" });
  const targets = [1, 2, 3].map((number) => new FakeTarget(world, number));
  for (const target of targets) await target.register();
  const names = NAMES.slice(0, 20);
  const homes = await homesOf(asker, names);
  assert.ok(new Set(homes).size > 1);
  assert.deepEqual(await homesOf(await world.origin(), names), homes);
  await world.restart();
  for (const target of targets.toReversed()) await target.register();
  const again = await world.origin();
  assert.deepEqual(await homesOf(again, names), homes);
  const [down] = targets as [FakeTarget];
  down.leave();
  await world.settle();
  const its = names.find((_, i) => homes[i] === down.id) as string;
  await assert.rejects(again.call("meta.groupHome", { name: its }), {
    code: "ERR_UNREACHABLE",
    target: down.id,
  });
  const others = names.filter((_, i) => homes[i] !== down.id);
  assert.deepEqual(
    await homesOf(again, others),
    homes.filter((home) => home !== down.id),
  );
});

test("a target that is away for longer than every lease is no home, until it comes back", async (context) => {
  const world = await World.open(context);
  const targets = [1, 2].map((number) => new FakeTarget(world, number));
  for (const target of targets) await target.register();
  const [away, here] = targets as [FakeTarget, FakeTarget];
  const name = NAMES.find((one) => groupHome(one, [away.id, here.id]) === away.id) as string;
  away.leave();
  for (let passed = 0; passed < 90_000; passed += 2000) {
    await world.settle(2000);
    await here.beat();
  }
  const origin = await world.origin();
  assert.deepEqual(await homesOf(origin, [name]), [here.id]);
  await away.register();
  assert.deepEqual(await homesOf(origin, [name]), [away.id]);
});
