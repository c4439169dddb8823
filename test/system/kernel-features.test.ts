import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  isClockSynchronised,
  tryIoUring,
  tryMemfd,
  tryPidfd,
  tryReserve,
  tryUserfaultfd,
} from "../../src/system/kernel-features.ts";
import { openDescriptors, temporaryDirectory } from "./support.ts";

const { ENOENT, ENOSPC, EPERM, ENOSYS, EFBIG } = constants.errno;

test("what is tried leaves no descriptor and no file, and a refusal is told by its errno", (t) => {
  const directory = temporaryDirectory(t);
  const before = openDescriptors();
  assert.equal(tryMemfd(4096), 0);
  assert.equal(tryReserve(directory, 4096), 0);
  assert.equal(tryReserve(join(directory, "missing"), 4096), ENOENT);
  assert.ok([ENOSPC, EFBIG].includes(tryReserve(directory, 2 ** 52)));
  for (const errno of [tryUserfaultfd(true), tryUserfaultfd(false), tryIoUring(), tryPidfd()]) {
    assert.ok([0, EPERM, ENOSYS].includes(errno), `errno ${errno}`);
  }
  assert.ok([true, false, undefined].includes(isClockSynchronised()));
  assert.deepEqual(openDescriptors(), before);
  assert.deepEqual(readdirSync(directory), []);
});
