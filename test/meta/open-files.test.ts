import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OpenFiles } from "../../src/meta/open-files.ts";
import type { Channel } from "../../src/rpc/handlers.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { FakeTarget, Origin, refused, World } from "./harness.ts";

async function cluster(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const [opener, other] = [await world.origin(), await world.origin()];
  return { world, target, opener, other };
}

/** Lets time pass, in which the target is heard and the origins keep their leases. */
async function pass(world: World, target: FakeTarget, ms: number, ...origins: Origin[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await world.settle(1000);
    await target.beat();
    for (const origin of origins) await origin.call("meta.renew", {});
  }
}

const orphans = (world: World) =>
  world.engine.read((reader) => [...reader.scan(Buffer.from("o"), Buffer.from("p"), 100)].length);

describe("a file that is open", () => {
  test("keeps its bytes without a name, until the last one closes it", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    const { stat } = await opener.open("/f", { create: "yes" });
    await opener.open("/f");
    await other.open("/f");
    await other.remove("/f");
    await refused(other.stat("/f"), "ENOENT");
    await opener.close(stat.inode);
    await other.close(stat.inode);
    assert.equal(target.regions.size, 1, "opened twice, closed once");
    const granted = await opener.call("meta.grant", { inode: stat.inode, rights: "r" });
    assert.deepEqual([granted.stat.nlink, granted.stat.inode], [0, stat.inode]);
    await opener.close(stat.inode);
    assert.equal(target.regions.size, 0);
    assert.equal(orphans(world), 0);
    assert.equal((await other.call("meta.statfs", {})).inodes, 1);
  });

  test("also when it is replaced, or its directory goes with everything in it", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    const replaced = await opener.open("/f", { create: "yes" });
    const inside = await opener.open("/d/e/g", { create: "yes" });
    await other.create("/new");
    await other.rename("/new", "/f");
    await other.remove("/d", { recursive: true });
    assert.equal(target.regions.size, 3);
    await opener.close(replaced.stat.inode, inside.stat.inode);
    assert.equal(target.regions.size, 1);
    assert.equal(orphans(world), 0);
  });

  test("that still has another name stays when it is closed", async (context) => {
    const { target, opener, other } = await cluster(context);
    const { stat } = await opener.open("/f", { create: "yes" });
    await other.call("meta.link", { existing: "/f", path: "/g" });
    await other.remove("/f");
    await opener.close(stat.inode);
    assert.equal(target.regions.size, 1);
    assert.equal((await other.stat("/g")).nlink, 1);
  });

  test("is closed by the end of its channel", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    for (let i = 0; i < 600; i += 1) {
      opener.begin("meta.open", { path: `/d/${i}`, create: "yes", rights: "rw" });
      if (i % 50 === 49) await world.settle();
    }
    await other.remove("/d", { recursive: true });
    assert.deepEqual([target.regions.size, orphans(world)], [600, 100]);
    opener.leave();
    await world.settle();
    assert.deepEqual([target.regions.size, orphans(world)], [0, 0]);
  });

  test("closing what is not open is no error, and closes nothing of others", async (context) => {
    const { target, opener, other } = await cluster(context);
    const { stat } = await opener.open("/f", { create: "yes" });
    await other.remove("/f");
    await other.close(stat.inode, stat.inode, 0, 2 ** 53 - 1);
    assert.equal(target.regions.size, 1);
    await refused(other.call("meta.grant", { inode: stat.inode, rights: "r" }), "ERR_INVALID_ARGUMENT");
    await refused(other.call("meta.resize", { inode: stat.inode, size: 5 }), "ERR_INVALID_ARGUMENT");
    await opener.call("meta.resize", { inode: stat.inode, size: 5 });
    assert.deepEqual([...target.regions.values()], [5]);
  });

  test("whose create was answered too late is closed with its channel", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    const held = Promise.withResolvers<void>();
    target.hold = held.promise;
    opener.begin("meta.open", { path: "/f", create: "yes", rights: "rw" });
    await world.settle();
    opener.leave();
    await world.settle();
    held.resolve();
    await world.settle();
    assert.deepEqual(await other.names("/"), ["f"]);
    await other.remove("/f");
    assert.equal(target.regions.size, 0);
  });

  test("a removal that is committed together with the create waits for the close", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    for (let i = 0; i < 20; i += 1) {
      const opening = opener.begin("meta.open", { path: "/f", create: "yes", rights: "rw" });
      const removing = Array.from({ length: 8 }, async (_, steps) => {
        for (let step = 0; step < steps + i; step += 1) await Promise.resolve();
        await other.begin("meta.remove", { path: "/f", recursive: false }).catch(() => {});
      });
      await world.settle();
      await Promise.all(removing);
      const { stat } = await opening;
      assert.equal(target.regions.size, 1, "whoever has it open has its bytes");
      await other.remove("/f").catch(() => {});
      await opener.close(stat.inode);
      assert.equal(target.regions.size, 0);
    }
  });
});

describe("after a restart of the service", () => {
  test("what is claimed stays, what nobody claims within two leases goes", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    const claimed = await opener.open("/claimed", { create: "yes" });
    const lost = await opener.open("/lost", { create: "yes" });
    await other.remove("/claimed");
    await other.remove("/lost");
    await world.restart();
    await target.register();
    const { inode } = claimed.stat;
    const again = await world.origin([inode]);
    await pass(world, target, 19_000, again);
    assert.equal(target.regions.size, 2);
    await pass(world, target, 2000, again);
    assert.deepEqual([...target.regions.keys()], [`${inode}.0`]);
    assert.notEqual(lost.stat.inode, inode);
    await again.close(inode);
    assert.equal(target.regions.size, 0);
    assert.equal(orphans(world), 0);
  });

  test("a file from before that is removed may be somebody's: it stays until all could say so", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    const { stat } = await opener.open("/claimed", { create: "yes" });
    await other.create("/unclaimed");
    await world.restart();
    await target.register();
    const remover = await world.origin();
    for (const path of ["/claimed", "/unclaimed"]) await remover.remove(path);
    await remover.create("/new");
    await remover.remove("/new");
    assert.equal(target.regions.size, 2, "the new one cannot be open from before");
    const late = await world.origin([stat.inode]);
    await pass(world, target, 21_000, late, remover);
    assert.deepEqual([...target.regions.keys()], [`${stat.inode}.0`]);
    late.leave();
    await world.settle();
    assert.equal(target.regions.size, 0);
  });

  test("many orphans go step by step, also when the metadata have no room for a while", async (context) => {
    const { world, target, opener, other } = await cluster(context);
    for (let i = 0; i < 300; i += 1) {
      opener.begin("meta.open", { path: `/d/${i}`, create: "yes", rights: "rw" });
      if (i % 50 === 49) await world.settle();
    }
    await other.remove("/d", { recursive: true });
    await world.restart();
    await target.register();
    const { engine } = world;
    const transact = engine.transact.bind(engine);
    engine.transact = async () => {
      throw new DidafsError("ERR_NO_SPACE", "full");
    };
    await pass(world, target, 21_000);
    assert.equal(target.regions.size, 300);
    engine.transact = transact;
    await pass(world, target, 10_000);
    assert.deepEqual([target.regions.size, orphans(world)], [0, 0]);
    assert.ok(world.log.complaints.some(({ level }) => level === "warn"));
  });

  test("a claim is good for the generation that it names, and for no later one either", async (context) => {
    const { world, opener } = await cluster(context);
    const { stat, gen } = await opener.open("/f", { create: "yes" });
    const grant = { inode: stat.inode, rights: "r" } as const;
    const claims = async (claimed: number) => {
      const originKey = world.newOriginKey();
      const origin = new Origin(world, await world.enter("origin"), originKey);
      const open = [{ inode: stat.inode, gen: claimed, count: 1 }];
      await origin.call("meta.attach", { originKey, open });
      return origin;
    };
    assert.equal((await (await claims(gen)).call("meta.grant", grant)).gen, gen);
    for (const other of [gen - 1, gen + 1, Number.MAX_SAFE_INTEGER]) {
      await refused((await claims(other)).call("meta.grant", grant), "ERR_REVOKED");
    }
  });

  test("claims of what never was do no harm", async (context) => {
    const { world, target } = await cluster(context);
    const origin = await world.origin([0, 1, 77, 2 ** 53 - 1]);
    for (const inode of [0, 1, 77]) {
      await refused(origin.call("meta.grant", { inode, rights: "r" }), "ENOENT");
      await refused(origin.call("meta.resize", { inode, size: 1 }), "ENOENT");
    }
    origin.leave();
    await pass(world, target, 2000);
    assert.deepEqual((await (await world.origin()).names("/")).length, 0);
  });
});

describe("the table of open files", () => {
  test("what an origin claims and is known already is not counted again, however often it claims", () => {
    const closed: number[] = [];
    const files = new OpenFiles(new SimClock(), 2, (inode) => closed.push(inode));
    const origin = channel();
    files.opened(origin, 5);
    files.claim(origin, 5, 2);
    files.claim(origin, 5, 2);
    files.claim(origin, 6, Number.MAX_SAFE_INTEGER);
    files.closed(origin, [5, 5]);
    assert.deepEqual(closed, [5]);
    files.ended(origin);
    assert.deepEqual(closed, [5, 6]);
  });

  const channel = () => ({ ended: undefined }) as unknown as Channel;

  test("a channel has at most 2 ** 20 files open, each as often as it likes", () => {
    const closed: number[] = [];
    const files = new OpenFiles(new SimClock(), 2, (inode) => closed.push(inode));
    const [one, two] = [channel(), channel()];
    for (let inode = 0; inode < 2 ** 20; inode += 1) files.opened(one, inode);
    assert.throws(() => files.opened(one, 2 ** 20), { code: "ERR_TOO_MANY" });
    assert.throws(() => files.claim(one, 2 ** 20, 1), { code: "ERR_TOO_MANY" });
    files.opened(one, 5);
    files.opened(two, 2 ** 20);
    assert.deepEqual(closed, []);
    files.ended(one);
    assert.equal(closed.length, 2 ** 20);
    assert.ok(!files.isOpen(5) && files.isOpen(2 ** 20));
  });

  test("a channel that has ended opens nothing: nobody would close it", () => {
    const files = new OpenFiles(new SimClock(), 2, () => {});
    files.opened({ ended: new DidafsError("ERR_CLOSED", "gone") } as unknown as Channel, 5);
    assert.ok(!files.isOpen(5));
  });
});
