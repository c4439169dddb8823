import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { LeaseFile } from "../../src/runtime/lease-file.ts";
import { LEASE_MS_MAX } from "../../src/wire/leases.ts";
import { scratch } from "./scratch.ts";

const home = scratch();
const { dir } = home;
after(() => home[Symbol.dispose]());
const file = path.join(dir, "leases.json");

test("a target remembers the longest lease that it has granted, until nobody holds a lock", () => {
  assert.equal(new LeaseFile(dir, true).formerMs, 0);
  const first = new LeaseFile(dir, true);
  first.raise(5000);
  first.raise(2000);
  assert.equal(readFileSync(file, "utf8"), '{"format":1,"longestMs":5000}\n');
  const second = new LeaseFile(dir, false);
  assert.equal(second.formerMs, 5000);
  second.raise(9000);
  // Leases of both lives may last.
  assert.equal(new LeaseFile(dir, false).formerMs, 9000);
  second.clear();
  assert.equal(new LeaseFile(dir, false).formerMs, 0);
});

test("what is not known counts as the longest there can be", () => {
  for (const content of ["", "{}", '{"format":2,"longestMs":1}', '{"format":1,"longestMs":-1}', "\0\0\0"]) {
    writeFileSync(file, content);
    assert.equal(new LeaseFile(dir, false).formerMs, LEASE_MS_MAX, content);
  }
  rmSync(file);
  assert.equal(new LeaseFile(dir, false).formerMs, LEASE_MS_MAX);
});
