import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DidafsError } from "../../src/std/errors.ts";
import { FakeTarget, type Origin, World } from "./harness.ts";

/** A tree: /d (with file f), /e (empty), /f, /g */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  for (const path of ["/d", "/e"]) await origin.call("meta.mkdir", { path, recursive: false });
  for (const path of ["/d/f", "/f", "/g"]) await origin.create(path);
  return { world, target, origin };
}

function refused(promise: Promise<unknown>, code: string, path?: string): Promise<void> {
  return assert.rejects(promise, (error: DidafsError) => {
    assert.equal(error.code, code, error.message);
    if (path !== undefined) assert.equal(error.path, path);
    return true;
  });
}

const rename = (origin: Origin, from: string, to: string) => origin.call("meta.rename", { from, to });
const mkdir = (origin: Origin, path: string, recursive = false) =>
  origin.call("meta.mkdir", { path, recursive });
const remove = (origin: Origin, path: string, recursive = false) =>
  origin.call("meta.remove", { path, recursive });
const inodeOf = async (origin: Origin, path: string) => (await origin.call("meta.stat", { path })).inode;

describe("paths", () => {
  test("empty components and dots are nothing; .. takes back a step that exists", async (context) => {
    const { origin } = await tree(context);
    const inode = await inodeOf(origin, "/d/f");
    for (const path of ["//d///f", "/./d/./f", "/e/../d/f", "/../../d/f", "/d/../d/../d/f"]) {
      assert.equal(await inodeOf(origin, path), inode, path);
    }
    assert.equal(await inodeOf(origin, "/d/.."), await inodeOf(origin, "/"));
    await refused(inodeOf(origin, "/nothing/../f"), "ENOENT", "/nothing/../f");
    await refused(inodeOf(origin, "/f/../f"), "ENOTDIR", "/f/../f");
  });

  test("what is no path is refused with POSIX's code", async (context) => {
    const { origin } = await tree(context);
    const name = "ä".repeat(128);
    const long = `/${"abcdefg/".repeat(512)}x`;
    await refused(inodeOf(origin, ""), "ENOENT", "");
    await refused(inodeOf(origin, "f"), "EINVAL", "f");
    await refused(inodeOf(origin, "/a\0b"), "EINVAL");
    await refused(inodeOf(origin, "/\ud800"), "EINVAL");
    await refused(mkdir(origin, `/${name}`), "ENAMETOOLONG", `/${name}`);
    await refused(inodeOf(origin, long), "ENAMETOOLONG");
    await mkdir(origin, `/${name.slice(1)}x`);
    await refused(origin.call("meta.readdir", { path: "/", after: "a/b" }), "EINVAL");
    await refused(origin.call("meta.readdir", { path: "/", after: name }), "ENAMETOOLONG");
  });

  test("a slash at the end asks for a directory", async (context) => {
    const { origin } = await tree(context);
    await inodeOf(origin, "/d/");
    await refused(inodeOf(origin, "/f/"), "ENOTDIR");
    await refused(inodeOf(origin, "/f/."), "ENOTDIR");
    await refused(remove(origin, "/f/"), "ENOTDIR");
    await refused(rename(origin, "/f", "/new/"), "ENOTDIR");
    await refused(origin.create("/new/"), "EISDIR");
    await mkdir(origin, "/new/");
    await rename(origin, "/new/", "/newer/");
    assert.deepEqual(await origin.names("/newer"), []);
  });
});

describe("directories", () => {
  test("mkdir: an existing name, a missing parent, a file as parent", async (context) => {
    const { origin } = await tree(context);
    await refused(mkdir(origin, "/d"), "EEXIST", "/d");
    await refused(mkdir(origin, "/f"), "EEXIST");
    await refused(mkdir(origin, "/"), "EEXIST");
    await refused(mkdir(origin, "/x/y"), "ENOENT");
    await refused(mkdir(origin, "/f/y"), "ENOTDIR");
  });

  test("mkdir recursive makes what is missing, and is content with what is there", async (context) => {
    const { origin } = await tree(context);
    await mkdir(origin, "/d/x/y/../z", true);
    await mkdir(origin, "/d/x/y/z", true);
    await mkdir(origin, "/", true);
    assert.deepEqual(await origin.names("/d/x"), ["y/", "z/"]);
    await refused(mkdir(origin, "/d/f", true), "EEXIST", "/d/f");
    await refused(mkdir(origin, "/d/f/x", true), "ENOTDIR");
    assert.deepEqual(await origin.names("/d"), ["f", "x/"]);
  });

  test("readdir lists by bytes, in pages that say whether more comes", async (context) => {
    const { world, origin } = await tree(context);
    await mkdir(origin, "/many");
    const names = Array.from({ length: 2300 }, (_, i) => `n${i.toString(36)}-é`);
    for (let at = 0; at < names.length; at += 100) {
      const calls = names
        .slice(at, at + 100)
        .map((name) => origin.begin("meta.mkdir", { path: `/many/${name}`, recursive: false }));
      await world.settle();
      await Promise.all(calls);
    }
    const seen: string[] = [];
    const pages: number[] = [];
    for (let after: string | undefined; ; ) {
      const params = after === undefined ? {} : { after };
      const page = await origin.call("meta.readdir", { path: "/many", ...params });
      pages.push(page.entries.length);
      seen.push(...page.entries.map(({ name }) => name));
      after = seen.at(-1);
      if (!page.more) break;
    }
    assert.deepEqual(pages, [1000, 1000, 300]);
    assert.deepEqual(
      seen,
      names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    await refused(origin.call("meta.readdir", { path: "/f" }), "ENOTDIR");
    await refused(origin.call("meta.readdir", { path: "/none" }), "ENOENT");
  });

  test("a page of the longest and worst names still fits a message", async (context) => {
    const { world, origin } = await tree(context);
    await mkdir(origin, "/bad");
    const calls = Array.from({ length: 600 }, (_, i) => {
      const name = `${"\u0001".repeat(250)}${i.toString().padStart(5, "0")}`;
      return origin.begin("meta.mkdir", { path: `/bad/${name}`, recursive: false });
    });
    await world.settle();
    await Promise.all(calls);
    const page = await origin.call("meta.readdir", { path: "/bad" });
    assert.ok(page.more && page.entries.length > 100);
  });

  test("times: a directory's changes with its entries", async (context) => {
    const { world, origin } = await tree(context);
    const before = (await origin.call("meta.stat", { path: "/d" })).mtimeMs;
    await world.settle(1000);
    await origin.create("/d/new");
    const { mtimeMs } = await origin.call("meta.stat", { path: "/d" });
    assert.equal(mtimeMs, before + 1000);
    assert.equal((await origin.call("meta.stat", { path: "/d/new" })).mtimeMs, mtimeMs);
  });
});

describe("rename", () => {
  test("moves files and directories, with everything in them", async (context) => {
    const { origin } = await tree(context);
    const inode = await inodeOf(origin, "/d/f");
    await rename(origin, "/d", "/e/moved");
    assert.equal(await inodeOf(origin, "/e/moved/f"), inode);
    assert.deepEqual(await origin.names("/"), ["e/", "f", "g"]);
  });

  test("a file replaces a file, whose regions go", async (context) => {
    const { origin, target } = await tree(context);
    const [from, to] = [await inodeOf(origin, "/f"), await inodeOf(origin, "/g")];
    await rename(origin, "/f", "/g");
    assert.equal(await inodeOf(origin, "/g"), from);
    assert.ok(!target.regions.has(`${to}.0`) && target.regions.has(`${from}.0`));
  });

  test("an empty directory is replaced by a directory, a full one is not", async (context) => {
    const { origin } = await tree(context);
    await refused(rename(origin, "/e", "/d"), "ENOTEMPTY", "/d");
    await rename(origin, "/d", "/e");
    assert.deepEqual(await origin.names("/e"), ["f"]);
    await refused(inodeOf(origin, "/d"), "ENOENT");
  });

  test("a file does not replace a directory, nor the other way round", async (context) => {
    const { origin } = await tree(context);
    await refused(rename(origin, "/f", "/e"), "EISDIR", "/e");
    await refused(rename(origin, "/e", "/f"), "ENOTDIR", "/f");
  });

  test("nothing moves into itself, and what it is already is no change", async (context) => {
    const { origin } = await tree(context);
    await mkdir(origin, "/d/x/y", true);
    await refused(rename(origin, "/d", "/d/x/y/z"), "EINVAL");
    await refused(rename(origin, "/d", "/d/z"), "EINVAL");
    await refused(rename(origin, "/d/x", "/d"), "ENOTEMPTY");
    await rename(origin, "/d", "/d");
    await rename(origin, "/f", "//./f");
    assert.deepEqual(await origin.names("/d"), ["f", "x/"]);
  });

  test("what is not there, and what has no name to change", async (context) => {
    const { origin } = await tree(context);
    await refused(rename(origin, "/none", "/x"), "ENOENT", "/none");
    await refused(rename(origin, "/f", "/none/x"), "ENOENT", "/none/x");
    await refused(rename(origin, "/f", "/g/x"), "ENOTDIR", "/g/x");
    await refused(rename(origin, "/", "/x"), "EINVAL", "/");
    await refused(rename(origin, "/d/..", "/x"), "EINVAL");
    await refused(rename(origin, "/f", "/"), "EINVAL", "/");
  });
});

describe("remove", () => {
  test("files and empty directories go; full ones only when asked", async (context) => {
    const { origin, target } = await tree(context);
    await remove(origin, "/f");
    await remove(origin, "/e");
    await refused(remove(origin, "/d"), "ENOTEMPTY", "/d");
    await refused(remove(origin, "/none"), "ENOENT", "/none");
    await refused(remove(origin, "/", true), "EINVAL", "/");
    await refused(remove(origin, "/g/x"), "ENOTDIR");
    await remove(origin, "/d", true);
    await remove(origin, "/g", true);
    assert.deepEqual(await origin.names("/"), []);
    assert.equal(target.regions.size, 0);
  });

  test("a wide and deep tree vanishes at once, and all that it held is freed", async (context) => {
    const { world, origin, target } = await tree(context);
    const kept = target.regions.size;
    for (let depth = 0; depth < 40; depth++) await mkdir(origin, `/big${"/deep".repeat(depth)}`, true);
    for (let at = 0; at < 700; at += 50) {
      const calls = Array.from({ length: 50 }, (_, i) =>
        origin.begin("meta.open", { path: `/big/deep/${at + i}`, create: "exclusive", size: 1 }),
      );
      await world.settle();
      await Promise.all(calls);
    }
    assert.equal(target.regions.size, kept + 700);
    const removing = origin.begin("meta.remove", { path: "/big", recursive: true });
    await world.settle();
    await removing;
    await refused(inodeOf(origin, "/big"), "ENOENT");
    assert.equal(target.regions.size, kept);
    const left = world.engine.read((reader) => [...reader.scan(Buffer.of(0), Buffer.of(255), 10_000)]);
    // Format, next number, 6 inodes (root, d, e and three files), 5 entries.
    assert.equal(left.length, 13);
  });

  test("a large tree is emptied step by step, between which others are served", async (context) => {
    const { world, origin } = await tree(context);
    await mkdir(origin, `/big${"/deep".repeat(50)}`, true);
    let commits = 0;
    let most = 0;
    const { engine } = world;
    const transact = engine.transact.bind(engine);
    engine.transact = (body) => {
      commits += 1;
      return transact(body);
    };
    const watch = {
      doWork: (): number => {
        most = Math.max(most, commits);
        commits = 0;
        return 0;
      },
    };
    world.parties.add(watch);
    await remove(origin, "/big", true);
    assert.equal(most, 1, "commits in a turn, each of which syncs the drive");
    const left = world.engine.read((reader) => [...reader.scan(Buffer.of(0), Buffer.of(255), 10_000)]);
    assert.equal(left.length, 13);
  });

  test("what is thrown away while a target is slow to remove is emptied too", async (context) => {
    const { world, origin, target } = await tree(context);
    await origin.create("/e/f");
    const held = Promise.withResolvers<void>();
    target.removalHold = held.promise;
    for (const path of ["/d", "/e"]) {
      origin.begin("meta.remove", { path, recursive: true });
      await world.settle();
    }
    held.resolve();
    await world.settle();
    assert.deepEqual([...target.regions.keys()].length, 2, "/f and /g");
  });
});
