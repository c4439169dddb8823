import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parsePlace } from "../../src/cli/cluster-path.ts";
import { Budget } from "../../src/cli/copy/budget.ts";
import { copyFile } from "../../src/cli/copy/copy-file.ts";
import type { Flow, Source } from "../../src/cli/copy/ends.ts";
import { localTree } from "../../src/cli/copy/local-tree.ts";
import { type Named, type PlanOptions, planCopies } from "../../src/cli/copy/plan.ts";
import { fileFlow } from "../../src/cli/copy/streams.ts";
import { failureOf } from "../../src/cli/failure.ts";
import { scratch } from "../runtime/scratch.ts";

/** Copies within this machine as `cp` would; the plan treats every tree alike. */
async function copy(
  dir: string,
  sources: string[],
  destination: string,
  recursive = false,
  special: Partial<Pick<PlanOptions, "follow" | "preserve" | "keepNames">> = {},
) {
  const skipped: string[] = [];
  const failed: string[] = [];
  const later: (() => Promise<void>)[] = [];
  let links = 0;
  const named = sources.map((text): Named => {
    const place = parsePlace(text.startsWith("/") ? text : `${dir}/${text}`);
    assert.equal(place.kind, "local");
    return { ...(place as { path: string; base: string }), tree: localTree };
  });
  const { signal } = new AbortController();
  const plan = planCopies(
    named,
    { tree: localTree, path: path.join(dir, destination) },
    {
      recursive,
      follow: { named: !recursive, inside: false },
      preserve: false,
      keepNames: false,
      ...special,
      intoDirectory: destination.endsWith("/"),
      openOther: (file) => fileFlow(file, signal),
      onSkip: (name) => void skipped.push(path.relative(dir, name)),
      onDirectory: () => {},
      onLink: () => {
        links += 1;
      },
      later: (step) => void later.push(step),
      onFailure: (error) => void failed.push(failureOf(error).code),
    },
  );
  const options = { verify: true, signal, budget: new Budget(1 << 20), onBytes() {} };
  let copied = 0;
  for await (const job of plan) {
    const keep = special.preserve === true;
    const make = ({ size, mode, kept }: Source | Flow) =>
      job.tree.openSink(job.destination, { size, mode, kept: keep ? kept : undefined });
    await copyFile(job.open, make, options);
    copied += 1;
  }
  for (const step of later.reverse()) await step();
  return { copied, links, skipped, failed };
}

function place() {
  const it = scratch();
  const make = (name: string, text = name): string => {
    const file = path.join(it.dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const read = (name: string): string => readFileSync(path.join(it.dir, name), "utf8");
  return { dir: it.dir, make, read, [Symbol.dispose]: () => it[Symbol.dispose]() };
}

test("a file to a name, onto a file, into a directory; several only into a directory", async () => {
  using at = place();
  at.make("a");
  at.make("b");
  mkdirSync(path.join(at.dir, "d"));
  await copy(at.dir, ["a"], "new");
  await copy(at.dir, ["b"], "new");
  await copy(at.dir, ["a", "b"], "d");
  await copy(at.dir, ["a"], "d/c");
  assert.deepEqual([at.read("new"), at.read("d/a"), at.read("d/b"), at.read("d/c")], ["b", "a", "b", "a"]);
  await assert.rejects(copy(at.dir, ["a", "b"], "new"), { code: "ENOTDIR" });
  await assert.rejects(copy(at.dir, ["a"], "nowhere/"), { code: "ENOENT" });
  await assert.rejects(copy(at.dir, ["a", "b"], "nowhere"), { code: "ENOENT" });
  assert.deepEqual(readdirSync(at.dir).sort(), ["a", "b", "d", "new"]);
});

test("a directory becomes the destination, or goes into it when that exists; its contents when a dot says so", async () => {
  using at = place();
  at.make("tree/one");
  at.make("tree/deep/two");
  mkdirSync(path.join(at.dir, "tree/empty"));
  assert.deepEqual(await copy(at.dir, ["tree"], "copy", true), {
    copied: 2,
    links: 0,
    skipped: [],
    failed: [],
  });
  assert.deepEqual([at.read("copy/one"), at.read("copy/deep/two")], ["tree/one", "tree/deep/two"]);
  assert.deepEqual(readdirSync(path.join(at.dir, "copy/empty")), []);
  await copy(at.dir, ["tree"], "copy", true);
  assert.equal(at.read("copy/tree/one"), "tree/one");
  mkdirSync(path.join(at.dir, "flat"));
  await copy(at.dir, ["tree/."], "flat", true);
  assert.equal(at.read("flat/one"), "tree/one");
  assert.deepEqual((await copy(at.dir, ["tree"], "other")).failed, ["EISDIR"]);
});

test("what is missing fails alone; onto itself and into itself is refused", async () => {
  using at = place();
  at.make("a");
  at.make("tree/one");
  mkdirSync(path.join(at.dir, "d"));
  assert.deepEqual(await copy(at.dir, ["missing", "a"], "d"), {
    copied: 1,
    links: 0,
    skipped: [],
    failed: ["ENOENT"],
  });
  assert.deepEqual((await copy(at.dir, ["a"], "a")).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "tree", true)).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "tree/inside", true)).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "treetop", true)).failed, []);
});

test("links stay links with -r, whatever they lead to; a link that is named without -r is followed", async () => {
  using at = place();
  at.make("tree/file");
  symlinkSync("file", path.join(at.dir, "tree/to-file"));
  symlinkSync(".", path.join(at.dir, "tree/loop"));
  symlinkSync("nowhere", path.join(at.dir, "tree/dangling"));
  assert.deepEqual(await copy(at.dir, ["tree"], "copy", true), {
    copied: 1,
    links: 3,
    skipped: [],
    failed: [],
  });
  const says = (name: string): string => readlinkSync(path.join(at.dir, name));
  assert.deepEqual(
    [says("copy/to-file"), says("copy/loop"), says("copy/dangling")],
    ["file", ".", "nowhere"],
  );
  // Onto links that are there, and onto a file.
  symlinkSync("elsewhere", path.join(at.dir, "other"));
  assert.equal((await copy(at.dir, ["tree/dangling"], "other", true)).links, 1);
  assert.equal(says("other"), "nowhere");
  assert.deepEqual((await copy(at.dir, ["tree/dangling"], "gone")).failed, ["ENOENT"]);
  await copy(at.dir, ["tree/to-file"], "followed");
  assert.equal(at.read("followed"), "tree/file");
  assert.equal((await copy(at.dir, ["copy/to-file"], "copy/file", true)).links, 1);
  assert.equal(says("copy/file"), "file");
  assert.ok(!readdirSync(path.join(at.dir, "copy")).some((name) => name.endsWith(".part")));
});

test("with -L links are followed to files, in a tree all other links are left out", async () => {
  using at = place();
  at.make("tree/file");
  symlinkSync("file", path.join(at.dir, "tree/to-file"));
  symlinkSync(".", path.join(at.dir, "tree/loop"));
  symlinkSync("nowhere", path.join(at.dir, "tree/dangling"));
  const follow = { named: true, inside: true };
  const { copied, skipped } = await copy(at.dir, ["tree"], "copy", true, { follow });
  assert.deepEqual([copied, skipped.sort()], [2, ["tree/dangling", "tree/loop"]]);
  assert.equal(at.read("copy/to-file"), "tree/file");
  symlinkSync("tree", path.join(at.dir, "named"));
  assert.equal((await copy(at.dir, ["named"], "copy2", true, { follow })).copied, 2);
});

test("a directory is not copied into itself through a link, which would never end", async () => {
  using at = place();
  at.make("tree/one");
  symlinkSync("tree", path.join(at.dir, "way"));
  const { failed } = await copy(at.dir, ["tree"], "way/inside", true);
  assert.deepEqual(failed, ["EINVAL"]);
});

test("with -p a copy has its source's mode and times, directories and links too", async () => {
  using at = place();
  const old = new Date("2001-02-03T04:05:06.789Z");
  chmodSync(at.make("tree/script"), 0o4751);
  at.make("tree/read-only/file");
  symlinkSync("script", path.join(at.dir, "tree/link"));
  const all = ["tree/script", "tree/read-only/file", "tree/link", "tree/read-only", "tree"];
  for (const name of all) lutimesSync(path.join(at.dir, name), old, old);
  chmodSync(path.join(at.dir, "tree/read-only"), 0o555);
  await copy(at.dir, ["tree"], "copy", true, { preserve: true });
  for (const name of all) {
    const [from, to] = [name, name.replace("tree", "copy")].map((one) => lstatSync(path.join(at.dir, one)));
    assert.deepEqual([to?.mode, to?.mtimeMs, to?.uid], [from?.mode, from?.mtimeMs, from?.uid], name);
  }
  for (const root of ["tree", "copy"]) chmodSync(path.join(at.dir, root, "read-only"), 0o755);
});

test("with -a names of one file become names of one copy, be they there already or not", async () => {
  using at = place();
  at.make("tree/a/first");
  mkdirSync(path.join(at.dir, "tree/b"));
  linkSync(path.join(at.dir, "tree/a/first"), path.join(at.dir, "tree/b/second"));
  at.make("tree/b/alone");
  for (const turn of [1, 2]) {
    const { copied, links } = await copy(at.dir, ["tree/."], "copy", true, { keepNames: true });
    assert.deepEqual([copied, links], [2, 1], `turn ${turn}`);
    const inode = (name: string): number => statSync(path.join(at.dir, name)).ino;
    assert.equal(inode("copy/a/first"), inode("copy/b/second"));
    assert.notEqual(inode("copy/b/alone"), inode("copy/a/first"));
    assert.equal(at.read("copy/b/second"), "tree/a/first");
    assert.deepEqual(readdirSync(path.join(at.dir, "copy/b")).sort(), ["alone", "second"]);
  }
});

test("names that are no UTF-8 are copied as they are", async () => {
  using at = place();
  const name = Buffer.from("odd\xff\xfe\xc3\xa9", "latin1");
  const inDirectory = (directory: string): Buffer =>
    Buffer.concat([Buffer.from(`${path.join(at.dir, directory)}/`), name]);
  at.make("tree/plain");
  writeFileSync(inDirectory("tree"), "odd");
  mkdirSync(Buffer.concat([inDirectory("tree"), Buffer.from("-directory")]));
  symlinkSync(name, Buffer.concat([inDirectory("tree"), Buffer.from("-link")]));
  const { copied, links, failed } = await copy(at.dir, ["tree"], "copy", true);
  assert.deepEqual([copied, links, failed], [2, 1, []]);
  assert.equal(readFileSync(inDirectory("copy"), "utf8"), "odd");
  const link = Buffer.concat([inDirectory("copy"), Buffer.from("-link")]);
  assert.deepEqual(readlinkSync(link, { encoding: "buffer" }), name);
  assert.equal(readdirSync(path.join(at.dir, "copy")).length, 4);
});

test("modes: a new file has its source's, a replaced one keeps its own; a link's goal is replaced, not the link", async () => {
  using at = place();
  chmodSync(at.make("script"), 0o750);
  chmodSync(at.make("old"), 0o600);
  symlinkSync("old", path.join(at.dir, "link"));
  await copy(at.dir, ["script"], "new");
  await copy(at.dir, ["script"], "link");
  const mode = (name: string): number => statSync(path.join(at.dir, name)).mode & 0o777;
  assert.deepEqual([mode("new"), mode("old"), at.read("old")], [0o750 & ~process.umask(), 0o600, "script"]);
  assert.deepEqual(readdirSync(at.dir).sort(), ["link", "new", "old", "script"]);
});

test("a device is written to, not replaced; a named device or pipe is read to its end", async () => {
  using at = place();
  at.make("a");
  await copy(at.dir, ["a"], path.relative(at.dir, "/dev/null"));
  assert.ok(statSync("/dev/null").isCharacterDevice());
  await copy(at.dir, ["/dev/null"], "empty");
  assert.equal(at.read("empty"), "");
  assert.ok(existsSync(path.join(at.dir, "empty")));
});
