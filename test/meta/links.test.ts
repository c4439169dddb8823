import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeInode } from "../../src/meta/inode-record.ts";
import { inodeKey } from "../../src/meta/keys.ts";
import { LINKS_MAX } from "../../src/meta/links.ts";
import { getInode } from "../../src/meta/tables.ts";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

const link = (origin: Origin, existing: string, path: string) => origin.call("meta.link", { existing, path });

/** /d (empty), /f */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  await origin.mkdir("/d");
  await origin.create("/f");
  return { world, target, origin };
}

describe("links", () => {
  test("a file has as many names as it was given; the last one takes its bytes along", async (context) => {
    const { target, origin } = await tree(context);
    await link(origin, "/f", "/d/g");
    await link(origin, "/d/g", "/h");
    const stat = await origin.stat("/h");
    assert.deepEqual(await origin.stat("/f"), stat);
    assert.equal(stat.nlink, 3);
    await origin.remove("/f");
    await origin.remove("/d", { recursive: true });
    assert.equal((await origin.stat("/h")).nlink, 1);
    assert.equal(target.regions.size, 1);
    await origin.remove("/h");
    assert.equal(target.regions.size, 0);
  });

  test("a rename over a name takes that name only; between two names of one file it is nothing", async (context) => {
    const { target, origin } = await tree(context);
    await link(origin, "/f", "/g");
    const { ctimeMs } = await origin.stat("/f");
    await origin.rename("/f", "/g");
    assert.deepEqual(await origin.names("/"), ["d/", "f", "g"]);
    assert.equal((await origin.stat("/f")).ctimeMs, ctimeMs);
    await origin.create("/other");
    await origin.rename("/other", "/g");
    assert.equal((await origin.stat("/f")).nlink, 1);
    assert.equal(target.regions.size, 2);
  });

  test("symbolic links have names too", async (context) => {
    const { origin } = await tree(context);
    await origin.symlink("/nowhere", "/l");
    await link(origin, "/l", "/m");
    await origin.remove("/l");
    assert.equal((await origin.call("meta.readlink", { path: "/m" })).target, "/nowhere");
    assert.equal((await origin.stat("/m", false)).nlink, 1);
  });

  test("what cannot have another name, and where none can be", async (context) => {
    const { origin } = await tree(context);
    await refused(link(origin, "/d", "/x"), "EPERM", "/d");
    await refused(link(origin, "/", "/x"), "EPERM", "/");
    await refused(link(origin, "/none", "/x"), "ENOENT", "/none");
    await refused(link(origin, "/f", "/none/x"), "ENOENT", "/none/x");
    await refused(link(origin, "/f", "/f/x"), "ENOTDIR", "/f/x");
    await refused(link(origin, "/f/", "/x"), "ENOTDIR", "/f/");
    await refused(link(origin, "/f", "/f"), "EEXIST", "/f");
    await refused(link(origin, "/f", "/"), "EEXIST", "/");
    await refused(origin.call("meta.readlink", { path: "/f" }), "EINVAL", "/f");
    await refused(origin.call("meta.readlink", { path: "/d" }), "EINVAL", "/d");
    await refused(origin.call("meta.readlink", { path: "/none" }), "ENOENT", "/none");
  });

  test(`a file has at most ${LINKS_MAX} names`, async (context) => {
    const { world, origin } = await tree(context);
    const { inode } = await origin.stat("/f");
    await world.engine.transact((kv) => {
      kv.set(inodeKey(inode), encodeInode({ ...getInode(kv, inode), nlink: LINKS_MAX - 1 }));
    });
    await link(origin, "/f", "/g");
    await refused(link(origin, "/f", "/h"), "EMLINK", "/f");
    assert.equal((await origin.stat("/f")).nlink, LINKS_MAX);
  });
});
