import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { getInode } from "../../src/meta/tables.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { regionBytes } from "../../src/structs/striping.ts";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

const UNIT = 4096;

/** A file of `size` bytes over three targets, open. */
async function cluster(context: Parameters<typeof World.open>[0], size = 0) {
  const world = await World.open(context);
  const targets = [1, 2, 3].map((number) => new FakeTarget(world, number));
  for (const target of targets) await target.register();
  const origin = await world.origin();
  const { stat } = await origin.open("/f", { create: "yes", size, targets: 3, stripeUnit: UNIT });
  const order = (stat.layout?.regions ?? []).map(({ target }) => targets.find(({ id }) => id === target));
  const lengths = () => order.map((target, index) => target?.regions.get(`${stat.inode}.${index}`));
  const record = () => world.engine.read((reader) => getInode(reader, stat.inode));
  return { world, targets, order: order as FakeTarget[], origin, inode: stat.inode, lengths, record };
}

const expected = (size: number) => [0, 1, 2].map((index) => regionBytes(size, UNIT, 3, index));
const resize = (origin: Origin, inode: number, size: number) => origin.call("meta.resize", { inode, size });

describe("resize", () => {
  test("changes the regions, then the size; only those that are concerned are asked", async (context) => {
    const { world, targets, origin, inode, lengths, record } = await cluster(context);
    for (const size of [1, UNIT, 10 * UNIT + 7, 10 * UNIT + 8, 3 * UNIT, 0, 5 * UNIT]) {
      await world.settle(10);
      for (const target of targets) target.calls.length = 0;
      const before = expected(record().size);
      const stat = await resize(origin, inode, size);
      assert.deepEqual(
        [stat.size, stat.mtimeMs, stat.ctimeMs],
        [size, world.clock.wallMs(), world.clock.wallMs()],
      );
      assert.deepEqual(await origin.stat("/f"), stat);
      assert.deepEqual(lengths(), expected(size));
      assert.equal(record().extent, size);
      const asked = targets.flatMap(({ calls }) => calls).length;
      assert.equal(asked, expected(size).filter((bytes, index) => bytes !== before[index]).length);
    }
    await world.settle(10);
    const { mtimeMs } = await origin.stat("/f");
    assert.equal((await resize(origin, inode, 5 * UNIT)).mtimeMs, mtimeMs, "that size it has already");
  });

  test("a file that cannot grow has its former size, and what grew is cut again", async (context) => {
    const { order, origin, inode, lengths, record } = await cluster(context, UNIT);
    const [, full] = order;
    assert.ok(full);
    full.resizeRefusal = new DidafsError("ERR_NO_SPACE", "the drive is full");
    await assert.rejects(resize(origin, inode, 9 * UNIT), {
      code: "ERR_NO_SPACE",
      applied: "no",
      target: full.id,
    });
    assert.equal((await origin.stat("/f")).size, UNIT);
    assert.equal(record().extent, 9 * UNIT, "the full one may have grown: nobody knows");
    full.resizeRefusal = undefined;
    full.calls.length = 0;
    await resize(origin, inode, 6 * UNIT);
    assert.deepEqual(lengths(), expected(6 * UNIT));
    assert.equal(record().extent, 6 * UNIT);
    assert.deepEqual(
      full.calls,
      [`resize ${inode}.1 0`, `resize ${inode}.1 ${2 * UNIT}`],
      "cut before it grows",
    );
  });

  test("what a failed cut leaves behind the size is cut before the file grows again", async (context) => {
    const { order, origin, inode, lengths, record } = await cluster(context, 9 * UNIT);
    const [, bad] = order;
    assert.ok(bad);
    bad.resizeRefusal = new DidafsError("ERR_IO", "bad sector");
    await assert.rejects(resize(origin, inode, UNIT), { code: "ERR_IO", applied: "unknown" });
    assert.deepEqual([record().size, record().extent], [UNIT, 9 * UNIT]);
    await assert.rejects(resize(origin, inode, 12 * UNIT), { code: "ERR_IO", applied: "no" });
    assert.equal(record().size, UNIT);
    bad.resizeRefusal = undefined;
    bad.calls.length = 0;
    await resize(origin, inode, 12 * UNIT);
    assert.deepEqual(bad.calls, [`resize ${inode}.1 0`, `resize ${inode}.1 ${4 * UNIT}`]);
    assert.deepEqual(lengths(), expected(12 * UNIT));
  });

  test("the same size once more finishes a cut that failed", async (context) => {
    const { order, origin, inode, lengths, record } = await cluster(context, 9 * UNIT);
    (order[1] as FakeTarget).resizeRefusal = new DidafsError("ERR_IO", "bad sector");
    await refused(resize(origin, inode, UNIT), "ERR_IO");
    (order[1] as FakeTarget).resizeRefusal = undefined;
    await resize(origin, inode, UNIT);
    assert.deepEqual(lengths(), expected(UNIT));
    assert.equal(record().extent, UNIT);
  });

  test("with a target that is down nothing is begun", async (context) => {
    const { world, order, origin, inode, record } = await cluster(context, 9 * UNIT);
    order[2]?.leave();
    await world.settle();
    for (const size of [UNIT, 12 * UNIT]) {
      await assert.rejects(resize(origin, inode, size), { code: "ERR_UNREACHABLE", applied: "no" });
    }
    assert.deepEqual([record().size, record().extent], [9 * UNIT, 9 * UNIT]);
  });

  test("changes of one file come one after the other, of others beside it", async (context) => {
    const { world, targets, order, origin, inode, lengths } = await cluster(context, UNIT);
    const other = await origin.open("/g", { create: "yes", targets: 3, stripeUnit: UNIT });
    const held = Promise.withResolvers<void>();
    (order[0] as FakeTarget).hold = held.promise;
    const sizes = [30 * UNIT, 2 * UNIT, 20 * UNIT, 0, 7 * UNIT];
    const calls = sizes.map((size) => origin.begin("meta.resize", { inode, size }));
    await world.settle();
    const begun = targets
      .flatMap((target) => target.calls)
      .filter((call) => call.startsWith(`resize ${inode}.`));
    assert.equal(begun.length, 3, "the first one's");
    (order[0] as FakeTarget).hold = undefined;
    await resize(origin, other.stat.inode, UNIT);
    held.resolve();
    await world.settle();
    assert.deepEqual(
      (await Promise.all(calls)).map(({ size }) => size),
      sizes,
    );
    assert.deepEqual(lengths(), expected(7 * UNIT));
  });

  test("a file that goes in the middle of it keeps its bytes until it is done", async (context) => {
    const { world, targets, order, origin, inode } = await cluster(context, UNIT);
    const held = Promise.withResolvers<void>();
    (order[0] as FakeTarget).hold = held.promise;
    origin.begin("meta.resize", { inode, size: 30 * UNIT });
    await world.settle();
    const other = await world.origin();
    await other.remove("/f");
    origin.leave();
    await world.settle();
    assert.equal(targets.filter(({ regions }) => regions.size > 0).length, 3);
    held.resolve();
    await world.settle();
    assert.equal(targets.filter(({ regions }) => regions.size > 0).length, 0);
    assert.deepEqual(
      world.log.complaints.filter(({ level }) => level === "error"),
      [],
    );
  });

  test("a crash at any step leaves a size, behind which nothing comes back", async (context) => {
    for (let steps = 0; steps < 40; steps += 2) {
      const { world, targets, origin, inode, lengths, record } = await cluster(context, 9 * UNIT);
      origin.begin("meta.resize", { inode, size: steps % 4 === 0 ? UNIT : 20 * UNIT });
      for (let i = 0; i < steps; i += 1) await world.step();
      origin.leave();
      for (const target of targets) target.leave();
      await world.restart();
      const { size, extent } = record();
      const rest = lengths().map((bytes, index) => (bytes ?? 0) <= (expected(extent)[index] as number));
      assert.deepEqual(rest, [true, true, true], `${steps}: no region is longer than the extent says`);
      assert.ok(size <= extent);
      for (const target of targets) await target.register();
      const later = await world.origin();
      await later.open("/f");
      await resize(later, inode, 30 * UNIT);
      assert.deepEqual(lengths(), expected(30 * UNIT));
    }
  });
});
