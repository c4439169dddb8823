import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { lockDirectory } from "../../src/system/lock.ts";
import { startChild } from "./child.ts";
import { openDescriptors, temporaryDirectory } from "./support.ts";

test("a directory has one holder at a time, also within a process", (t) => {
  const directory = temporaryDirectory(t);
  const before = openDescriptors();
  const lock = lockDirectory(directory);
  assert.throws(
    () => lockDirectory(directory),
    (error) =>
      isDidafsError(error, "ERR_ALREADY_RUNNING") &&
      error.message === `${directory} is in use by process ${process.pid}`,
  );
  lock.release();
  lock.release();
  lockDirectory(directory).release();
  assert.deepEqual(openDescriptors(), before);
});

test("another process is kept out, and a holder that is killed lets go", async (t) => {
  const directory = temporaryDirectory(t);
  const holder = startChild(t, "lock-child.ts", [directory]);
  const pid = await holder.said();
  assert.throws(
    () => lockDirectory(directory),
    (error) =>
      isDidafsError(error, "ERR_ALREADY_RUNNING") &&
      error.message === `${directory} is in use by process ${pid}`,
  );
  await holder.kill();
  lockDirectory(directory).release();
});

test("a directory that is not there is ENOENT", (t) => {
  assert.throws(
    () => lockDirectory(join(temporaryDirectory(t), "missing")),
    (error) => isDidafsError(error, "ENOENT"),
  );
});
