import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readRunRecord, removeRunRecord, writeRunRecord } from "../../src/runtime/run-file.ts";
import { scratch } from "./scratch.ts";

test("a record of a living process is read back", () => {
  using at = scratch();
  assert.equal(readRunRecord(at.dir), undefined);
  writeRunRecord(at.dir, "thread");
  assert.equal(readRunRecord(at.dir)?.url, undefined);
  writeRunRecord(at.dir, "process", { url: "didafs://127.0.0.1:1" });
  const record = readRunRecord(at.dir);
  assert.equal(record?.pid, process.pid);
  assert.equal(record?.spawn, "process");
  assert.equal(record?.url, "didafs://127.0.0.1:1");
  assert.equal(removeRunRecord(at.dir), true);
  assert.equal(removeRunRecord(at.dir), false);
});

test("a record of a process that is gone, or whose pid was given to another, counts as none", () => {
  using at = scratch();
  const file = path.join(at.dir, "run.json");
  writeRunRecord(at.dir, "process");
  const record = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...record, startTicks: "1" }));
  assert.equal(readRunRecord(at.dir), undefined);
  writeFileSync(file, JSON.stringify({ ...record, pid: 2 ** 22 + 1 }));
  assert.equal(readRunRecord(at.dir), undefined);
  for (const text of ["", "123\n", "{}", "null"]) {
    writeFileSync(file, text);
    assert.equal(readRunRecord(at.dir), undefined);
  }
});
