import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parsePlace } from "../../src/cli/cluster-path.ts";
import { Budget } from "../../src/cli/copy/budget.ts";
import { copyFile } from "../../src/cli/copy/copy-file.ts";
import { localTree } from "../../src/cli/copy/local-tree.ts";
import { type Named, planCopies } from "../../src/cli/copy/plan.ts";
import { spoolFile } from "../../src/cli/copy/streams.ts";
import { failureOf } from "../../src/cli/failure.ts";
import { scratch } from "../runtime/scratch.ts";

/** Copies within this machine as `cp` would; the plan treats every tree alike. */
async function copy(dir: string, sources: string[], destination: string, recursive = false) {
  const skipped: string[] = [];
  const failed: string[] = [];
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
      intoDirectory: destination.endsWith("/"),
      openOther: (file) => spoolFile(file, signal),
      onSkip: (name) => void skipped.push(path.relative(dir, name)),
      onDirectory: () => {},
      onFailure: (error) => void failed.push(failureOf(error).code),
    },
  );
  const options = { verify: true, signal, budget: new Budget(1 << 20), onBytes() {} };
  let copied = 0;
  for await (const job of plan) {
    await copyFile(job.open, (size, mode) => job.tree.openSink(job.destination, size, mode), options);
    copied += 1;
  }
  return { copied, skipped, failed };
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
  await assert.rejects(copy(at.dir, ["a"], "nowhere/"), { code: "ENOTDIR" });
  assert.deepEqual(readdirSync(at.dir).sort(), ["a", "b", "d", "new"]);
});

test("a directory becomes the destination, or goes into it when that exists; its contents when a dot says so", async () => {
  using at = place();
  at.make("tree/one");
  at.make("tree/deep/two");
  mkdirSync(path.join(at.dir, "tree/empty"));
  assert.deepEqual(await copy(at.dir, ["tree"], "copy", true), { copied: 2, skipped: [], failed: [] });
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
  assert.deepEqual(await copy(at.dir, ["missing", "a"], "d"), { copied: 1, skipped: [], failed: ["ENOENT"] });
  assert.deepEqual((await copy(at.dir, ["a"], "a")).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "tree", true)).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "tree/inside", true)).failed, ["EINVAL"]);
  assert.deepEqual((await copy(at.dir, ["tree"], "treetop", true)).failed, []);
});

test("links are followed to files, in a tree all other links are left out", async () => {
  using at = place();
  at.make("tree/file");
  symlinkSync("file", path.join(at.dir, "tree/to-file"));
  symlinkSync(".", path.join(at.dir, "tree/loop"));
  symlinkSync("nowhere", path.join(at.dir, "tree/dangling"));
  const { copied, skipped } = await copy(at.dir, ["tree"], "copy", true);
  assert.deepEqual([copied, skipped.sort()], [2, ["tree/dangling", "tree/loop"]]);
  assert.equal(at.read("copy/to-file"), "tree/file");
  symlinkSync("tree", path.join(at.dir, "named"));
  assert.equal((await copy(at.dir, ["named"], "copy2", true)).copied, 2);
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
