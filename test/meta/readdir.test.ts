import assert from "node:assert/strict";
import { test } from "node:test";
import { addEntry, dropEntry } from "../../src/meta/tables.ts";
import { FakeTarget, type Origin, refused, World } from "./harness.ts";

/** All names, page by page; `between` runs after each page. */
async function list(
  origin: Origin,
  path: string,
  between: (last: string) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const names: string[] = [];
  let page = await origin.call("meta.readdir", { directory: { path } });
  for (;;) {
    names.push(...page.entries.map(({ name }) => name));
    if (!page.more) return names;
    const after = names.at(-1) as string;
    await between(after);
    page = await origin.call("meta.readdir", { directory: { inode: page.inode }, after });
  }
}

test("what is in a directory of 100,000 all the while comes exactly once, whatever else comes and goes", async (context) => {
  const world = await World.open(context);
  const origin = await world.origin();
  await origin.mkdir("/big");
  const { inode: directory } = await origin.stat("/big");
  const name = (number: number) => number.toString().padStart(6, "0");
  // Every other number, so that new names can come in between; all of one file, for the entries are what matters.
  const numbers = Array.from({ length: 100_000 }, (_, i) => 2 * i);
  const entry = { inode: 99, type: "file" } as const;
  await world.engine.transact((kv) => {
    for (const number of numbers) addEntry(kv, directory, name(number), entry, 0);
  });
  const removed = new Set<string>();
  let pages = 0;
  const seen = await list(origin, "/big", async (last) => {
    pages += 1;
    const at = Number(last);
    // The cookie itself, names on both sides of it, and new ones among them.
    const gone = [at, at - 2 * pages, at + 2 * pages].map(name).filter((each) => !removed.has(each));
    await world.engine.transact((kv) => {
      for (const each of gone) dropEntry(kv, directory, each, entry, 0);
      for (const number of [at + 1, at - 1, at + 501]) addEntry(kv, directory, name(number), entry, 0);
    });
    for (const each of gone) removed.add(each);
    if (pages === 50) await origin.rename("/big", "/renamed");
  });
  assert.ok(pages >= 99);
  const times = new Map<string, number>();
  for (const each of seen) times.set(each, (times.get(each) ?? 0) + 1);
  for (const number of numbers.map(name)) {
    if (!removed.has(number)) assert.equal(times.get(number), 1, number);
  }
  for (const [each, count] of times) assert.equal(count, 1, `${each} came twice`);
  assert.deepEqual(seen, seen.toSorted());
});

test("clients that make and remove names while another lists", async (context) => {
  const world = await World.open(context, 3);
  await new FakeTarget(world, 1).register();
  const [lister, maker, remover] = [await world.origin(), await world.origin(), await world.origin()];
  await lister.mkdir("/d");
  const stay = Array.from({ length: 1500 }, (_, i) => `stay${i}`);
  const go = Array.from({ length: 300 }, (_, i) => `go${i}`);
  for (const names of [stay, go]) {
    for (let at = 0; at < names.length; at += 100) {
      const calls = names.slice(at, at + 100).map((name) => {
        return lister.begin("meta.symlink", { target: "x", path: `/d/${name}` });
      });
      await world.done(Promise.all(calls));
    }
  }
  const others = [
    ...go.map((name) => remover.begin("meta.remove", { path: `/d/${name}`, recursive: false })),
    ...go.map((name) => maker.begin("meta.symlink", { target: "x", path: `/d/new-${name}` })),
  ];
  const seen = await list(lister, "/d");
  await world.done(Promise.all(others));
  assert.deepEqual(seen.filter((name) => name.startsWith("stay")).sort(), stay.toSorted());
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual((await list(lister, "/d")).sort(), [...stay, ...go.map((name) => `new-${name}`)].sort());
});

test("a directory that was removed between two pages has no more entries; a file has none", async (context) => {
  const world = await World.open(context);
  await new FakeTarget(world, 1).register();
  const origin = await world.origin();
  await origin.mkdir("/d/x", { recursive: true });
  const { inode } = await origin.stat("/d");
  await origin.remove("/d", { recursive: true });
  const page = (number: number) => origin.call("meta.readdir", { directory: { inode: number }, after: "a" });
  assert.deepEqual(await page(inode), { inode, entries: [], more: false });
  assert.deepEqual(await page(2 ** 53 - 1), { inode: 2 ** 53 - 1, entries: [], more: false });
  const { stat } = await origin.create("/f");
  await refused(page(stat.inode), "ENOTDIR");
  await refused(origin.call("meta.readdir", { directory: { path: "/" }, after: "a/b" }), "EINVAL");
});
