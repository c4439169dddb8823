import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Params } from "../../src/wire/control.ts";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

/** /f, /d, and /l -> f */
async function tree(context: Parameters<typeof World.open>[0]) {
  const world = await World.open(context);
  const target = await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  await origin.create("/f");
  await origin.mkdir("/d");
  await origin.symlink("f", "/l");
  return { world, target, origin };
}

const setattr = (origin: Origin, path: string, change: Partial<Params<"meta.setattr">>) =>
  origin.call("meta.setattr", { path, follow: true, ...change });

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString("base64");

const set = (origin: Origin, path: string, name: string, value: string | Uint8Array, rest = {}) =>
  origin.call("meta.setxattr", { path, follow: true, name, value: base64(value), mode: "set", ...rest });

async function get(origin: Origin, path: string, name: string, follow = true): Promise<string> {
  const { value } = await origin.call("meta.getxattr", { path, follow, name });
  return Buffer.from(value, "base64").toString();
}

async function list(origin: Origin, path: string, follow = true): Promise<string[]> {
  return (await origin.call("meta.listxattr", { path, follow })).names;
}

describe("modes, owners and times", () => {
  test("what is given changes, the rest stays, and ctime is the present", async (context) => {
    const { world, origin } = await tree(context);
    const before = await origin.stat("/f");
    await world.settle(1000);
    const now = world.clock.wallMs();
    const changes: [Partial<Params<"meta.setattr">>, object][] = [
      [{ mode: 0o107777 }, { mode: 0o7777 }],
      [{ mode: 0 }, { mode: 0 }],
      [{ uid: 7 }, { uid: 7 }],
      [{ gid: 2 ** 32 - 2 }, { gid: 2 ** 32 - 2 }],
      [{ atimeMs: 0.25 }, { atimeMs: 0.25 }],
      [{ mtimeMs: -1e12 }, { mtimeMs: -1e12 }],
    ];
    let expected: object = { ...before, ctimeMs: now };
    for (const [change, outcome] of changes) {
      expected = { ...expected, ...outcome };
      assert.deepEqual(await setattr(origin, "/f", change), expected);
      assert.deepEqual(await origin.stat("/f"), expected);
    }
    await world.settle(1000);
    assert.deepEqual(await setattr(origin, "/f", {}), expected, "nothing was to change");
  });

  test("a link is followed or not, as the call says", async (context) => {
    const { origin } = await tree(context);
    await setattr(origin, "/l", { uid: 5 });
    await setattr(origin, "/l", { uid: 6, follow: false });
    assert.deepEqual([(await origin.stat("/f")).uid, (await origin.stat("/l", false)).uid], [5, 6]);
    await setattr(origin, "/", { mode: 0o1777 });
    assert.equal((await origin.stat("/")).mode, 0o1777);
    await refused(setattr(origin, "/none", { mode: 1 }), "ENOENT", "/none");
  });

  test("what is no owner or time is refused", async (context) => {
    const { origin } = await tree(context);
    for (const change of [{ uid: -1 }, { uid: 2 ** 32 - 1 }, { gid: 0.5 }, { mode: -1 }]) {
      await refused(setattr(origin, "/f", change), "ERR_INVALID_ARGUMENT");
    }
  });
});

describe("extended attributes", () => {
  test("are kept as bytes, of files, directories and symbolic links", async (context) => {
    const { origin } = await tree(context);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await set(origin, "/f", "user.a", bytes);
    const { value } = await origin.call("meta.getxattr", { path: "/l", follow: true, name: "user.a" });
    assert.deepEqual(Buffer.from(value, "base64"), Buffer.from(bytes));
    await set(origin, "/d", "b", "");
    assert.equal(await get(origin, "/d", "b"), "");
    await set(origin, "/l", "of the link", "x", { follow: false });
    assert.deepEqual(await list(origin, "/l", false), ["of the link"]);
    assert.deepEqual(await list(origin, "/f"), ["user.a"]);
    await set(origin, "/f", "a/\udcff", "name of bytes");
    assert.equal(await get(origin, "/f", "a/\udcff"), "name of bytes");
    assert.deepEqual(await list(origin, "/f"), ["a/\udcff", "user.a"]);
  });

  test("create wants a new name, replace an old one, set takes either; removing takes one away", async (context) => {
    const { world, origin } = await tree(context);
    await refused(set(origin, "/f", "a", "1", { mode: "replace" }), "ENODATA", "/f");
    await set(origin, "/f", "a", "1", { mode: "create" });
    await refused(set(origin, "/f", "a", "2", { mode: "create" }), "EEXIST", "/f");
    await set(origin, "/f", "a", "3", { mode: "replace" });
    await set(origin, "/f", "b", "4");
    await set(origin, "/f", "b", "5");
    assert.deepEqual([await get(origin, "/f", "a"), await get(origin, "/f", "b")], ["3", "5"]);
    const remove = (name: string) => origin.call("meta.removexattr", { path: "/f", follow: true, name });
    await world.settle(1000);
    await remove("a");
    assert.equal((await origin.stat("/f")).ctimeMs, world.clock.wallMs());
    await refused(remove("a"), "ENODATA", "/f");
    await refused(get(origin, "/f", "a"), "ENODATA", "/f");
    assert.deepEqual(await list(origin, "/f"), ["b"]);
  });

  test("names and values have bounds, and so has their number", async (context) => {
    const { world, origin } = await tree(context);
    await refused(set(origin, "/f", "", "x"), "EINVAL");
    await refused(set(origin, "/f", "a\0b", "x"), "EINVAL");
    await refused(set(origin, "/f", "\ud800", "x"), "EINVAL");
    await refused(set(origin, "/f", "n".repeat(256), "x"), "ENAMETOOLONG");
    await refused(set(origin, "/f", "v", new Uint8Array(65_537)), "ERR_INVALID_ARGUMENT", "/f");
    await refused(set(origin, "/f", "v", "x", { value: "no base64" }), "ERR_INVALID_ARGUMENT");
    await set(origin, "/f", "v", new Uint8Array(65_536));
    // Each character becomes six in JSON: the longest list that there can be still fits a message.
    const names = Array.from({ length: 255 }, (_, i) => "\u0001".repeat(250) + i.toString().padStart(5, "0"));
    const calls = names.map((name) => {
      return origin.begin("meta.setxattr", { path: "/f", follow: true, name, value: "", mode: "set" });
    });
    await world.done(Promise.all(calls));
    assert.deepEqual(await list(origin, "/f"), [...names, "v"]);
    await refused(set(origin, "/f", "one more", "x"), "ERR_NO_SPACE", "/f");
    await set(origin, "/f", "v", "replaced");
  });

  test("go with their inode", async (context) => {
    const { world, origin } = await tree(context);
    const keys = () =>
      world.engine.read((reader) => [...reader.scan(Buffer.from("x"), Buffer.from("y"), 100)]);
    for (const path of ["/f", "/d"]) await set(origin, path, "a", "1");
    await set(origin, "/l", "a", "1", { follow: false });
    await origin.rename("/f", "/g");
    assert.equal(await get(origin, "/g", "a"), "1");
    for (const path of ["/g", "/d", "/l"]) await origin.remove(path);
    assert.deepEqual(keys(), []);
  });
});

test("statfs: the room of the targets that are up, how many inodes there are, and the limits", async (context) => {
  const { world, target, origin } = await tree(context);
  const other = await new FakeTarget(world, 2).register();
  await target.beat();
  await other.beat();
  const statfs = () => origin.call("meta.statfs", {});
  const limits = { nameBytesMax: 255, pathBytesMax: 4096 };
  assert.deepEqual(await statfs(), { totalBytes: 2000, freeBytes: 1600, inodes: 4, ...limits });
  other.leave();
  await world.settle();
  await origin.mkdir("/d/x/y/z", { recursive: true });
  await origin.call("meta.link", { existing: "/f", path: "/g" });
  assert.deepEqual(await statfs(), { totalBytes: 1000, freeBytes: 800, inodes: 7, ...limits });
  await origin.remove("/d", { recursive: true });
  await origin.remove("/g");
  assert.equal((await statfs()).inodes, 3);
});

test("status: the regions of a target are known as soon as it registers again", async (context) => {
  const { target, origin } = await tree(context);
  const regions = async () => (await origin.call("meta.status", {})).targets.map((one) => one.regions);
  await target.beat();
  const before = await regions();
  assert.deepEqual(before, [target.regions.size]);
  assert.notEqual(before[0], 0);
  await target.register();
  assert.deepEqual(await regions(), before);
});

test("statfs: a drive that several targets lie on counts once", async (context) => {
  const { world, target, origin } = await tree(context);
  const [second, third] = [new FakeTarget(world, 2), new FakeTarget(world, 3)];
  second.medium = target.medium;
  for (const other of [second, third]) await other.register();
  await target.beat();
  const { totalBytes, freeBytes } = await origin.call("meta.statfs", {});
  // The second has not seen yet what the first has: of what they say, the lesser counts.
  assert.deepEqual([totalBytes, freeBytes], [2000, 800 + 900]);
  const { targets } = await origin.call("meta.status", {});
  const media = targets.map(({ medium }) => medium);
  assert.deepEqual(media, [target.medium, target.medium, third.medium]);
});

describe("a file that is open", () => {
  test("is asked about and changed by its number, with whatever name or none", async (context) => {
    const { world, origin } = await tree(context);
    const other = await world.origin();
    const { inode } = (await origin.open("/f")).stat;
    await other.remove("/f");
    await other.create("/f", { size: 17 });
    const own = { inode };
    assert.deepEqual((({ size, nlink }) => [size, nlink])(await origin.call("meta.stat", own)), [100, 0]);
    assert.equal((await origin.call("meta.setattr", { ...own, mode: 0o600 })).mode, 0o600);
    const xattr = { ...own, name: "user.a" };
    await origin.call("meta.setxattr", { ...xattr, value: base64("x"), mode: "create" });
    assert.equal((await origin.call("meta.getxattr", xattr)).value, base64("x"));
    assert.deepEqual((await origin.call("meta.listxattr", own)).names, ["user.a"]);
    await origin.call("meta.removexattr", xattr);
    await refused(origin.call("meta.getxattr", xattr), "ENODATA");
    assert.equal((await other.stat("/f")).mode, 0o644, "the other file is as it was");
  });

  test("is that of who has it open, and of nobody else", async (context) => {
    const { world, origin } = await tree(context);
    const other = await world.origin();
    const { inode } = (await origin.open("/f")).stat;
    const xattr = { inode, name: "user.a" };
    for (const attempt of [
      () => other.call("meta.stat", { inode }),
      () => other.call("meta.setattr", { inode, mode: 0 }),
      () => other.call("meta.setxattr", { ...xattr, value: "", mode: "set" }),
      () => other.call("meta.getxattr", xattr),
      () => other.call("meta.listxattr", { inode }),
      () => other.call("meta.removexattr", xattr),
    ]) {
      await refused(attempt(), "ERR_INVALID_ARGUMENT");
    }
    await origin.close(inode);
    await refused(origin.call("meta.stat", { inode }), "ERR_INVALID_ARGUMENT");
  });
});
