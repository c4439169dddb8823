/** tree, put and get on one real cluster of two targets. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Home } from "./didafs.ts";

const home = new Home();
const here = (name: string): string => path.join(home.dir, name);

before(async () => void (await home.up("--targets", "2")));
after(async () => await home[Symbol.asyncDispose]());

test("put makes a file when told to, and writes ranges into the one that is there", async () => {
  const missing = await home.run(["put", "-", ":/file"], { input: "abc" });
  assert.deepEqual([missing.code, /ENOENT/.test(missing.stderr)], [8, true]);
  await home.run(["put", "-", ":/file", "--size", "10"], { input: "abc" });
  writeFileSync(here("part"), "XY");
  const told = JSON.parse(await home.ok("put", "part", ":/file", "--at", "4", "--json"));
  assert.deepEqual(told, { path: "/file", at: 4, bytes: 2, size: 10 });
  assert.equal(await home.ok("cat", ":/file"), "abc\0XY\0\0\0\0");
  await home.run(["put", "--create", "--at", "1K", "-", ":/made"], { input: "end" });
  assert.equal(JSON.parse(await home.ok("stat", "--json", ":/made")).size, 1027);
  const behind = await home.run(["put", "part", ":/file", "--at", "9"]);
  assert.equal(behind.code, 20);
  assert.match(behind.stderr, /:\/file has 10 bytes: 2 bytes at 9 would end behind it \(ERR_RANGE\)/);
  assert.equal(await home.ok("cat", ":/file"), "abc\0XY\0\0\0\0");
});

test("get reads ranges, to standard output, to a file, into a directory", async () => {
  const bytes = randomBytes(5 * 2 ** 20 + 11);
  writeFileSync(here("bytes"), bytes);
  await home.ok("cp", "--targets", "2", "--stripe-unit", "64K", "bytes", ":/bytes");
  await home.ok("get", ":/bytes", "tail", "--at", "5M");
  assert.deepEqual(readFileSync(here("tail")), bytes.subarray(5 * 2 ** 20));
  const told = await home.ok("get", ":/bytes", here("."), "--at", "63K", "--length", "1M", "--json");
  assert.deepEqual(JSON.parse(told), { path: "/bytes", at: 63 * 1024, bytes: 2 ** 20, file: here("bytes") });
  assert.deepEqual(readFileSync(here("bytes")), bytes.subarray(63 * 1024, 63 * 1024 + 2 ** 20));
  await home.run(["put", "-", ":/text", "--create"], { input: "0123456789" });
  assert.equal(await home.ok("get", ":/text", "--at", "3", "--length", "4"), "3456");
  assert.equal(await home.ok("get", ":/text", "-", "--at", "10"), "");
  const behind = await home.run(["get", ":/text", "--at", "3", "--length", "8"]);
  assert.deepEqual([behind.code, behind.stdout, /ERR_RANGE/.test(behind.stderr)], [20, "", true]);
  assert.equal((await home.run(["get", ":/missing"])).code, 8);
});

test("a reader of get that has had enough is a quiet end", async () => {
  writeFileSync(here("long"), randomBytes(12 * 2 ** 20));
  await home.ok("cp", "long", ":/long");
  const { code, stderr } = await home.run(["get", ":/long", "--at", "1M"], {
    watch: (child) => void child.stdout?.once("data", () => child.stdout?.destroy()),
  });
  assert.deepEqual([code, stderr], [141, ""]);
});

test("tree draws what is there, down to a depth", async () => {
  await home.ok("mkdir", "-p", ":/tree/a/deep", ":/tree/b");
  await home.run(["put", "-", ":/tree/a/deep/file", "--create"], { input: "x" });
  await home.run(["put", "-", ":/tree/new\nline", "--create"], { input: "x" });
  assert.equal(
    await home.ok("tree", ":/tree"),
    [
      ":/tree",
      "├── a",
      "│   └── deep",
      "│       └── file",
      "├── b",
      "└── new\\x0aline",
      "",
      "3 directories, 2 files",
      "",
    ].join("\n"),
  );
  assert.match(
    await home.ok("tree", "-L", "1", ":/tree"),
    /├── a\n├── b\n└── new.*\n\n2 directories, 1 files\n$/,
  );
  const { directories, files, children } = JSON.parse(await home.ok("tree", "--json", ":/tree"));
  assert.deepEqual([directories, files, children[0].children[0].children[0].name], [3, 2, "file"]);
  assert.equal((await home.run(["tree", ":/missing"])).code, 8);
});
