import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { makeDirectory } from "../../src/system/directory.ts";

test("a directory is made with those above it, for the owner alone; what is there stays", (context) => {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-directory-"));
  context.after(() => rmSync(dir, { recursive: true }));
  const deep = path.join(dir, "a/b/c");
  makeDirectory(deep);
  makeDirectory(deep);
  assert.equal(statSync(deep).mode & 0o777, 0o700);
  writeFileSync(path.join(dir, "file"), "");
  symlinkSync("nowhere", path.join(dir, "dangling"));
  const isNone = (error: unknown) => isDidafsError(error, "ENOTDIR");
  assert.throws(() => makeDirectory(path.join(dir, "file")), isNone);
  assert.throws(() => makeDirectory(path.join(dir, "dangling")), isNone);
});

test("a file system that takes no directories ends the attempt", () => {
  assert.throws(
    () => makeDirectory("/proc/didafs/data"),
    (error: unknown) => isDidafsError(error),
  );
});
