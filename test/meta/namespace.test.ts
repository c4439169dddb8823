import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

/** A tree: /d (with file f), /e (empty), /f, /g */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  for (const path of ["/d", "/e"]) await origin.mkdir(path);
  for (const path of ["/d/f", "/f", "/g"]) await origin.create(path);
  return { world, target, origin };
}

const inodeOf = async (origin: Origin, path: string) => (await origin.stat(path)).inode;

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
    await refused(origin.mkdir(`/${name}`), "ENAMETOOLONG", `/${name}`);
    await refused(inodeOf(origin, long), "ENAMETOOLONG");
    await origin.mkdir(`/${name.slice(1)}x`);
    await refused(origin.call("meta.readdir", { directory: { path: "/" }, after: "a/b" }), "EINVAL");
    await refused(origin.call("meta.readdir", { directory: { path: "/" }, after: name }), "ENAMETOOLONG");
  });

  test("a slash at the end asks for a directory", async (context) => {
    const { origin } = await tree(context);
    await inodeOf(origin, "/d/");
    await refused(inodeOf(origin, "/f/"), "ENOTDIR");
    await refused(inodeOf(origin, "/f/."), "ENOTDIR");
    await refused(origin.remove("/f/"), "ENOTDIR");
    await refused(origin.rename("/f", "/new/"), "ENOTDIR");
    await refused(origin.create("/new/"), "EISDIR");
    await origin.mkdir("/new/");
    await origin.rename("/new/", "/newer/");
    assert.deepEqual(await origin.names("/newer"), []);
  });
});

describe("directories", () => {
  test("mkdir: an existing name, a missing parent, a file as parent", async (context) => {
    const { origin } = await tree(context);
    await refused(origin.mkdir("/d"), "EEXIST", "/d");
    await refused(origin.mkdir("/f"), "EEXIST");
    await refused(origin.mkdir("/"), "EEXIST");
    await refused(origin.mkdir("/x/y"), "ENOENT");
    await refused(origin.mkdir("/f/y"), "ENOTDIR");
  });

  test("mkdir recursive makes what is missing, and is content with what is there", async (context) => {
    const { origin } = await tree(context);
    await origin.mkdir("/d/x/y/../z", { recursive: true });
    await origin.mkdir("/d/x/y/z", { recursive: true });
    await origin.mkdir("/", { recursive: true });
    assert.deepEqual(await origin.names("/d/x"), ["y/", "z/"]);
    await refused(origin.mkdir("/d/f", { recursive: true }), "EEXIST", "/d/f");
    await refused(origin.mkdir("/d/f/x", { recursive: true }), "ENOTDIR");
    assert.deepEqual(await origin.names("/d"), ["f", "x/"]);
  });

  test("readdir lists by bytes, in pages that say whether more comes", async (context) => {
    const { world, origin } = await tree(context);
    await origin.mkdir("/many");
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
      const page = await origin.call("meta.readdir", { directory: { path: "/many" }, ...params });
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
    await refused(origin.call("meta.readdir", { directory: { path: "/f" } }), "ENOTDIR");
    await refused(origin.call("meta.readdir", { directory: { path: "/none" } }), "ENOENT");
  });

  test("a page of the longest and worst names still fits a message", async (context) => {
    const { world, origin } = await tree(context);
    await origin.mkdir("/bad");
    const calls = Array.from({ length: 600 }, (_, i) => {
      const name = `${"\u0001".repeat(250)}${i.toString().padStart(5, "0")}`;
      return origin.begin("meta.mkdir", { path: `/bad/${name}`, recursive: false });
    });
    await world.settle();
    await Promise.all(calls);
    const page = await origin.call("meta.readdir", { directory: { path: "/bad" } });
    assert.ok(page.more && page.entries.length > 100);
  });

  test("times: a directory's changes with its entries", async (context) => {
    const { world, origin } = await tree(context);
    const before = (await origin.stat("/d")).mtimeMs;
    await world.settle(1000);
    await origin.create("/d/new");
    const { mtimeMs } = await origin.stat("/d");
    assert.equal(mtimeMs, before + 1000);
    assert.equal((await origin.stat("/d/new")).mtimeMs, mtimeMs);
  });
});

describe("rename", () => {
  test("moves files and directories, with everything in them", async (context) => {
    const { origin } = await tree(context);
    const inode = await inodeOf(origin, "/d/f");
    await origin.rename("/d", "/e/moved");
    assert.equal(await inodeOf(origin, "/e/moved/f"), inode);
    assert.deepEqual(await origin.names("/"), ["e/", "f", "g"]);
  });

  test("a file replaces a file, whose regions go", async (context) => {
    const { origin, target } = await tree(context);
    const [from, to] = [await inodeOf(origin, "/f"), await inodeOf(origin, "/g")];
    await origin.rename("/f", "/g");
    assert.equal(await inodeOf(origin, "/g"), from);
    assert.ok(!target.regions.has(`${to}.0`) && target.regions.has(`${from}.0`));
  });

  test("an empty directory is replaced by a directory, a full one is not", async (context) => {
    const { origin } = await tree(context);
    await refused(origin.rename("/e", "/d"), "ENOTEMPTY", "/d");
    await origin.rename("/d", "/e");
    assert.deepEqual(await origin.names("/e"), ["f"]);
    await refused(inodeOf(origin, "/d"), "ENOENT");
  });

  test("a file does not replace a directory, nor the other way round", async (context) => {
    const { origin } = await tree(context);
    await refused(origin.rename("/f", "/e"), "EISDIR", "/e");
    await refused(origin.rename("/e", "/f"), "ENOTDIR", "/f");
  });

  test("nothing moves into itself, and what it is already is no change", async (context) => {
    const { origin } = await tree(context);
    await origin.mkdir("/d/x/y", { recursive: true });
    await refused(origin.rename("/d", "/d/x/y/z"), "EINVAL");
    await refused(origin.rename("/d", "/d/z"), "EINVAL");
    await refused(origin.rename("/d/x", "/d"), "ENOTEMPTY");
    await origin.rename("/d", "/d");
    await origin.rename("/f", "//./f");
    assert.deepEqual(await origin.names("/d"), ["f", "x/"]);
  });

  test("what is not there, and what has no name to change", async (context) => {
    const { origin } = await tree(context);
    await refused(origin.rename("/none", "/x"), "ENOENT", "/none");
    await refused(origin.rename("/f", "/none/x"), "ENOENT", "/none/x");
    await refused(origin.rename("/f", "/g/x"), "ENOTDIR", "/g/x");
    await refused(origin.rename("/", "/x"), "EINVAL", "/");
    await refused(origin.rename("/d/..", "/x"), "EINVAL");
    await refused(origin.rename("/f", "/"), "EINVAL", "/");
  });
});

describe("remove", () => {
  test("files and empty directories go; full ones only when asked", async (context) => {
    const { origin, target } = await tree(context);
    await origin.remove("/f");
    await origin.remove("/e");
    await refused(origin.remove("/d"), "ENOTEMPTY", "/d");
    await refused(origin.remove("/none"), "ENOENT", "/none");
    await refused(origin.remove("/", { recursive: true }), "EINVAL", "/");
    await refused(origin.remove("/g/x"), "ENOTDIR");
    await origin.remove("/d", { recursive: true });
    await origin.remove("/g", { recursive: true });
    assert.deepEqual(await origin.names("/"), []);
    assert.equal(target.regions.size, 0);
  });

  test("a wide and deep tree vanishes at once, and all that it held is freed", async (context) => {
    const { world, origin, target } = await tree(context);
    const kept = target.regions.size;
    for (let depth = 0; depth < 40; depth++)
      await origin.mkdir(`/big${"/deep".repeat(depth)}`, { recursive: true });
    for (let at = 0; at < 700; at += 50) {
      const calls = Array.from({ length: 50 }, (_, i) =>
        origin.begin("meta.open", {
          path: `/big/deep/${at + i}`,
          create: "exclusive",
          rights: "rw",
          size: 1,
        }),
      );
      await world.settle();
      const made = await Promise.all(calls);
      await origin.close(...made.map(({ stat }) => stat.inode));
    }
    assert.equal(target.regions.size, kept + 700);
    const removing = origin.begin("meta.remove", { path: "/big", recursive: true });
    await world.settle();
    await removing;
    await refused(inodeOf(origin, "/big"), "ENOENT");
    assert.equal(target.regions.size, kept);
    const left = world.engine.read((reader) => [...reader.scan(Buffer.of(0), Buffer.of(255), 10_000)]);
    // Format, next number, count, targets, 6 inodes (root, d, e and three files), 5 entries.
    assert.equal(left.length, 15);
  });

  test("a large tree is emptied step by step, between which others are served", async (context) => {
    const { world, origin } = await tree(context);
    await origin.mkdir(`/big${"/deep".repeat(50)}`, { recursive: true });
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
    await origin.remove("/big", { recursive: true });
    assert.equal(most, 1, "commits in a turn, each of which syncs the drive");
    const left = world.engine.read((reader) => [...reader.scan(Buffer.of(0), Buffer.of(255), 10_000)]);
    assert.equal(left.length, 15);
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
