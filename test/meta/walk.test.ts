import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeTarget, refused, World } from "./harness.ts";

/**
 * /d/f, /d/sub/g and /f, and symbolic links: /abs -> /d, /rel -> d/sub, /d/up -> ../f, /d/sub/out -> ../../d/f,
 * /file -> f, /slash -> d/, /dot -> d/., /top -> /, /dead -> nothing/there, /new -> d/made, /loop -> loop,
 * /ping -> pong, /pong -> ping
 */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  await origin.mkdir("/d/sub", { recursive: true });
  for (const path of ["/d/f", "/d/sub/g", "/f"]) await origin.create(path);
  for (const [path, says] of Object.entries({
    "/abs": "/d",
    "/rel": "d/sub",
    "/d/up": "../f",
    "/d/sub/out": "../../d/f",
    "/file": "f",
    "/slash": "d/",
    "/dot": "d/.",
    "/top": "/",
    "/dead": "nothing/there",
    "/new": "d/made",
    "/loop": "loop",
    "/ping": "pong",
    "/pong": "ping",
  })) {
    await origin.symlink(says, path);
  }
  return { world, target, origin };
}

describe("symbolic links on the way", () => {
  test("lead where they say, from the directory that they lie in", async (context) => {
    const { origin } = await tree(context);
    const cases = [
      ["/abs/f", "/d/f"],
      ["/abs", "/d"],
      ["/abs/", "/d"],
      ["/abs/.", "/d"],
      ["/rel/g", "/d/sub/g"],
      ["/abs/up", "/f"],
      ["/rel/out", "/d/f"],
      ["/top/top/abs/sub/out", "/d/f"],
      ["/slash/f", "/d/f"],
      ["/slash", "/d"],
      ["/dot/f", "/d/f"],
      ["/dot", "/d"],
      ["/top", "/"],
      ["/file", "/f"],
    ];
    for (const [path = "", leadsTo = ""] of cases) {
      assert.equal((await origin.stat(path)).inode, (await origin.stat(leadsTo)).inode, path);
    }
  });

  test(".. goes to the real parent, not back over the link", async (context) => {
    const { origin } = await tree(context);
    const inodeOf = async (path: string) => (await origin.stat(path)).inode;
    assert.equal(await inodeOf("/rel/.."), await inodeOf("/d"));
    assert.equal(await inodeOf("/rel/../f"), await inodeOf("/d/f"));
    assert.equal(await inodeOf("/rel/../.."), await inodeOf("/"));
    assert.equal(await inodeOf("/top/../../abs/../f"), await inodeOf("/f"));
  });

  test("that lead nowhere, in circles or through files", async (context) => {
    const { origin } = await tree(context);
    await refused(origin.stat("/dead"), "ENOENT", "/dead");
    await refused(origin.stat("/dead/x"), "ENOENT");
    await refused(origin.stat("/loop"), "ELOOP", "/loop");
    await refused(origin.stat("/ping/x"), "ELOOP");
    await refused(origin.open("/pong", { create: "yes" }), "ELOOP");
    await refused(origin.mkdir("/ping/x", { recursive: true }), "ELOOP");
    await refused(origin.stat("/file/x"), "ENOTDIR");
    await refused(origin.stat("/file/"), "ENOTDIR");
    await refused(origin.stat("/file/."), "ENOTDIR");
  });

  test("40 on one way are followed, 41 are not", async (context) => {
    const { origin } = await tree(context);
    await origin.symlink("/f", "/c1");
    for (let i = 2; i <= 41; i += 1) await origin.symlink(`c${i - 1}`, `/c${i}`);
    assert.equal((await origin.stat("/c40")).inode, (await origin.stat("/f")).inode);
    await refused(origin.stat("/c41"), "ELOOP");
    const path = (count: number) => `${"/top".repeat(count)}/f`;
    assert.equal((await origin.stat(path(40))).inode, (await origin.stat("/f")).inode);
    await refused(origin.stat(path(41)), "ELOOP");
  });

  test("names that are too long are found out when a link is followed", async (context) => {
    const { origin } = await tree(context);
    await origin.symlink("x".repeat(256), "/long");
    assert.equal((await origin.stat("/long", false)).size, 256);
    await refused(origin.stat("/long"), "ENAMETOOLONG", "/long");
  });
});

describe("a symbolic link at the end", () => {
  test("is itself where the call says so, unless a slash follows", async (context) => {
    const { origin } = await tree(context);
    const link = await origin.stat("/abs", false);
    assert.deepEqual([link.type, link.size, link.mode, link.nlink], ["symlink", 2, 0o777, 1]);
    assert.equal((await origin.stat("/abs/", false)).inode, (await origin.stat("/d")).inode);
    await refused(origin.stat("/file/", false), "ENOTDIR");
    await refused(origin.stat("/dead/", false), "ENOENT");
    assert.equal((await origin.stat("/loop", false)).type, "symlink");
    const { target } = await origin.call("meta.readlink", { path: "/dead" });
    assert.equal(target, "nothing/there");
  });

  test("is followed by open, readdir and the first half of a way", async (context) => {
    const { origin } = await tree(context);
    assert.equal((await origin.open("/file")).stat.inode, (await origin.stat("/f")).inode);
    await refused(origin.open("/abs"), "EISDIR", "/abs");
    await refused(origin.open("/dead"), "ENOENT");
    assert.deepEqual(await origin.names("/rel"), ["g", "out -> ../../d/f"]);
    await refused(origin.call("meta.readdir", { directory: { path: "/file" } }), "ENOTDIR");
  });

  test("that leads nowhere: create makes what it leads to, exclusive refuses the name", async (context) => {
    const { target, origin } = await tree(context);
    await refused(origin.open("/new", { create: "exclusive" }), "EEXIST", "/new");
    await refused(origin.open("/file", { create: "exclusive" }), "EEXIST");
    const made = await origin.open("/new", { create: "yes" });
    assert.equal(made.created, true);
    assert.equal((await origin.stat("/d/made")).inode, made.stat.inode);
    assert.equal((await origin.stat("/new", false)).type, "symlink");
    assert.equal((await origin.open("/new", { create: "yes" })).created, false);
    // Directories that are missing on the way are made, as for any other path.
    assert.equal((await origin.open("/dead", { create: "yes" })).created, true);
    assert.deepEqual(await origin.names("/nothing"), ["there"]);
    assert.equal(target.regions.size, 5);
  });

  test("mkdir, symlink and link do not follow it: the name is taken", async (context) => {
    const { origin } = await tree(context);
    for (const path of ["/dead", "/dead/", "/abs", "/abs/", "/file"]) {
      await refused(origin.mkdir(path), "EEXIST", path);
      await refused(origin.symlink("x", path), "EEXIST", path);
      await refused(origin.call("meta.link", { existing: "/f", path }), "EEXIST", path);
    }
    await origin.mkdir("/abs", { recursive: true });
    await refused(origin.mkdir("/file", { recursive: true }), "EEXIST");
    await refused(origin.mkdir("/dead", { recursive: true }), "ENOENT");
    await origin.mkdir("/abs/x/../y/z", { recursive: true });
    assert.deepEqual(await origin.names("/d"), ["f", "sub/", "up -> ../f", "x/", "y/"]);
  });

  test("remove and rename change the link, never what it leads to", async (context) => {
    const { origin } = await tree(context);
    for (const path of ["/abs/", "/file/", "/dead/"]) {
      await refused(origin.remove(path), "ENOTDIR", path);
      await refused(origin.rename(path, "/x"), "ENOTDIR", path);
    }
    await origin.remove("/abs");
    await origin.rename("/file", "/renamed");
    await origin.rename("/f", "/rel");
    assert.equal((await origin.stat("/rel", false)).type, "file");
    assert.equal((await origin.call("meta.readlink", { path: "/renamed" })).target, "f");
    assert.deepEqual(await origin.names("/d/sub"), ["g", "out -> ../../d/f"]);
    await refused(origin.rename("/d", "/renamed"), "ENOTDIR", "/renamed");
    await refused(origin.rename("/renamed", "/d"), "EISDIR", "/d");
  });
});

describe("the end of a path", () => {
  test("a slash behind a new name makes only directories", async (context) => {
    const { origin } = await tree(context);
    for (const path of ["/n/", "/f/", "/d/", "/file/"]) {
      await refused(origin.open(path, { create: "yes" }), "EISDIR", path);
    }
    await origin.symlink("made/", "/open");
    await refused(origin.open("/open", { create: "yes" }), "EISDIR", "/open");
    await refused(origin.symlink("x", "/n/"), "ENOENT", "/n/");
    await refused(origin.call("meta.link", { existing: "/f", path: "/n/" }), "ENOENT", "/n/");
    await origin.mkdir("/n/");
    await refused(origin.open("/f/"), "ENOTDIR");
    await refused(origin.open("/d/"), "EISDIR");
  });

  test(". and .. are no names to change", async (context) => {
    const { origin } = await tree(context);
    for (const path of ["/d/.", "/d/..", "/d/sub/../.", "/", "//", "/.", "/d/./"]) {
      await refused(origin.mkdir(path), "EEXIST", path);
      await origin.mkdir(path, { recursive: true });
      await refused(origin.remove(path), "EINVAL", path);
      await refused(origin.remove(path, { recursive: true }), "EINVAL", path);
      await refused(origin.rename(path, "/x"), "EINVAL", path);
      await refused(origin.rename("/f", path), "EINVAL", path);
      await refused(origin.symlink("x", path), "EEXIST", path);
      await refused(
        origin.open(path, { create: "exclusive" }),
        path.endsWith("/") ? "EISDIR" : "EEXIST",
        path,
      );
    }
    await refused(origin.mkdir("/none/."), "ENOENT");
    await refused(origin.stat("/none/."), "ENOENT");
    await refused(origin.stat("/f/."), "ENOTDIR");
    assert.equal((await origin.stat("/d/./sub/./.")).inode, (await origin.stat("/d/sub")).inode);
  });

  test("names are bytes: those that are no UTF-8 too", async (context) => {
    const { origin } = await tree(context);
    const name = "\udcffgröße\udc80";
    await origin.mkdir(`/${name}`);
    await origin.create(`/${name}/\udcc3`);
    assert.deepEqual(await origin.names(`/${name}`), ["\udcc3"]);
    assert.ok((await origin.names("/")).includes(`${name}/`));
    await origin.symlink(`${name}/\udcc3`, "/bytes");
    assert.equal((await origin.stat("/bytes")).inode, (await origin.stat(`/${name}/\udcc3`)).inode);
    assert.equal((await origin.stat("/bytes", false)).size, 1 + 7 + 1 + 1 + 1);
    await refused(origin.stat("/\udc7f"), "EINVAL");
    await refused(origin.symlink("\ud800", "/bad"), "EINVAL");
    await refused(origin.symlink("a\0", "/bad"), "EINVAL");
    await refused(origin.symlink("", "/bad"), "ENOENT");
    await refused(origin.symlink("x/".repeat(2049), "/bad"), "ENAMETOOLONG");
    // 255 bytes that no text of 255 characters of UTF-8 has.
    await origin.mkdir(`/${"\udcfe".repeat(255)}`);
    await refused(origin.mkdir(`/${"\udcfe".repeat(256)}`), "ENAMETOOLONG");
    const page = await origin.call("meta.readdir", { directory: { path: "/" }, after: "\udcfe" });
    assert.deepEqual(
      page.entries.map((entry) => entry.name),
      ["\udcfe".repeat(255), name],
      "in the order of their bytes",
    );
  });
});
