import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeTarget, type Origin, World } from "./harness.ts";

/** /d/f, and a second between any two calls. */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  await origin.mkdir("/d");
  await origin.create("/d/f");
  await world.settle(1000);
  return { world, target, origin };
}

const TIMES = ["atimeMs", "mtimeMs", "ctimeMs", "birthtimeMs"] as const;

/** The times of `paths` that `change` changes, each of which must become the present. */
async function changed(
  world: World,
  origin: Origin,
  paths: readonly string[],
  change: () => Promise<unknown>,
): Promise<Record<string, string[]>> {
  const before = await Promise.all(paths.map((path) => origin.stat(path, false)));
  await world.settle(500);
  const now = world.clock.wallMs();
  await change();
  await world.settle(500);
  const found: Record<string, string[]> = {};
  for (const [at, path] of paths.entries()) {
    const after = await origin.stat(path, false);
    const moved = TIMES.filter((time) => after[time] !== before[at]?.[time]);
    for (const time of moved) assert.equal(after[time], now, `${time} of ${path}`);
    found[path] = moved;
  }
  return found;
}

describe("times", () => {
  test("a new inode has the present, and so have its directory's mtime and ctime", async (context) => {
    const { world, origin } = await tree(context);
    const now = world.clock.wallMs();
    const parents = await changed(world, origin, ["/d", "/"], async () => {
      await origin.create("/d/new");
      await origin.mkdir("/d/dir");
      await origin.symlink("x", "/d/link");
    });
    assert.deepEqual(parents, { "/d": ["mtimeMs", "ctimeMs"], "/": [] });
    for (const path of ["/d/new", "/d/dir", "/d/link"]) {
      const stat = await origin.stat(path, false);
      for (const time of TIMES) assert.equal(stat[time], now + 500, `${time} of ${path}`);
    }
  });

  test("names given and taken change the directories, and the ctime of what has them", async (context) => {
    const { world, origin } = await tree(context);
    await origin.mkdir("/e");
    const entryChange = ["mtimeMs", "ctimeMs"];
    const watch = ["/d", "/e", "/"];
    assert.deepEqual(
      await changed(world, origin, ["/d/f", ...watch], () =>
        origin.call("meta.link", { existing: "/d/f", path: "/e/g" }),
      ),
      { "/d/f": ["ctimeMs"], "/d": [], "/e": entryChange, "/": [] },
    );
    assert.deepEqual(await changed(world, origin, ["/d/f", ...watch], () => origin.remove("/e/g")), {
      "/d/f": ["ctimeMs"],
      "/d": [],
      "/e": entryChange,
      "/": [],
    });
    const { inode, mtimeMs } = await origin.stat("/d/f");
    assert.deepEqual(await changed(world, origin, watch, () => origin.rename("/d/f", "/e/f")), {
      "/d": entryChange,
      "/e": entryChange,
      "/": [],
    });
    const moved = await origin.stat("/e/f");
    assert.deepEqual([moved.inode, moved.mtimeMs], [inode, mtimeMs]);
    assert.ok(moved.ctimeMs > mtimeMs);
  });
});

describe("names of directories", () => {
  const nlinks = async (origin: Origin, ...paths: string[]) => {
    const stats = [];
    for (const path of paths) stats.push((await origin.stat(path)).nlink);
    return stats;
  };

  test("are 2 and one for each directory inside", async (context) => {
    const { origin } = await tree(context);
    assert.deepEqual(await nlinks(origin, "/", "/d", "/d/f"), [3, 2, 1]);
    await origin.mkdir("/d/a/b", { recursive: true });
    await origin.mkdir("/e");
    await origin.symlink("a", "/d/l");
    assert.deepEqual(await nlinks(origin, "/", "/d", "/d/a", "/d/a/b", "/e"), [4, 3, 3, 2, 2]);
    await origin.rename("/d/a/b", "/e/b");
    assert.deepEqual(await nlinks(origin, "/d/a", "/e"), [2, 3]);
    await origin.rename("/e/b", "/e/c");
    assert.deepEqual(await nlinks(origin, "/e"), [3]);
    await origin.rename("/e/c", "/d/a");
    assert.deepEqual(await nlinks(origin, "/", "/e", "/d"), [4, 2, 3], "one replaced another");
    await origin.remove("/d/a");
    await origin.remove("/e");
    assert.deepEqual(await nlinks(origin, "/", "/d"), [3, 2]);
    await origin.mkdir("/d/x/y", { recursive: true });
    await origin.remove("/d", { recursive: true });
    assert.deepEqual(await nlinks(origin, "/"), [2]);
    await origin.create("/p/q/f");
    assert.deepEqual(await nlinks(origin, "/", "/p", "/p/q"), [3, 3, 2]);
  });
});

describe("modes and owners", () => {
  test("are what the caller says; without that root's, 0644 and 0755", async (context) => {
    const { origin } = await tree(context);
    const owner = { uid: 1000, gid: 100 };
    const of = async (path: string) => {
      const { mode, uid, gid } = await origin.stat(path, false);
      return [mode.toString(8), uid, gid];
    };
    assert.deepEqual(await of("/d"), ["755", 0, 0]);
    assert.deepEqual(await of("/d/f"), ["644", 0, 0]);
    await origin.create("/made/on/the/way", { mode: 0o104755, owner });
    assert.deepEqual(await of("/made/on/the/way"), ["4755", 1000, 100], "only permission bits are kept");
    assert.deepEqual(await of("/made/on"), ["755", 1000, 100]);
    await origin.mkdir("/m/n", { recursive: true, mode: 0o1700, owner });
    assert.deepEqual(await of("/m/n"), ["1700", 1000, 100]);
    assert.deepEqual(await of("/m"), ["755", 1000, 100]);
    await origin.call("meta.symlink", { target: "x", path: "/l", owner });
    assert.deepEqual(await of("/l"), ["777", 1000, 100]);
  });

  test("a set-gid directory hands its group on, and the bit to directories", async (context) => {
    const { origin } = await tree(context);
    await origin.mkdir("/g", { mode: 0o2775, owner: { uid: 1, gid: 50 } });
    const owner = { uid: 1000, gid: 100 };
    await origin.create("/g/sub/f", { mode: 0o640, owner });
    await origin.call("meta.symlink", { target: "x", path: "/g/l", owner });
    const of = async (path: string) => {
      const { mode, uid, gid } = await origin.stat(path, false);
      return [mode.toString(8), uid, gid];
    };
    assert.deepEqual(await of("/g/sub"), ["2755", 1000, 50]);
    assert.deepEqual(await of("/g/sub/f"), ["640", 1000, 50]);
    assert.deepEqual(await of("/g/l"), ["777", 1000, 50]);
  });
});
