import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readShape, settleShape, writeShape } from "../../src/runtime/shape.ts";
import { scratch } from "./scratch.ts";

const ID = "0123456789abcdef0123456789abcdef";

test("what was written is read; an empty directory has no shape", () => {
  using at = scratch();
  assert.equal(readShape(at.dir), undefined);
  writeShape(at.dir, { id: ID, targets: 3, drive: "memory" });
  assert.deepEqual(readShape(at.dir), { format: 1, id: ID, targets: 3, drive: "memory" });
});

test("a damaged record and one of another format are told apart", () => {
  using at = scratch();
  const file = path.join(at.dir, "cluster.json");
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"format":1}',
    `{"format":1,"id":"${ID}","targets":0,"drive":"file"}`,
  ]) {
    writeFileSync(file, text);
    assert.throws(() => readShape(at.dir), { code: "ERR_CORRUPT" }, text);
  }
  writeFileSync(file, '{"format":2}');
  assert.throws(() => readShape(at.dir), { code: "ERR_VERSION" });
});

test("the record decides, a wish that contradicts it is refused", () => {
  const recorded = { format: 1, id: ID, targets: 3, drive: "file" } as const;
  assert.deepEqual(settleShape("/d", undefined, {}), { targets: 1, drive: "file" });
  assert.deepEqual(settleShape("/d", undefined, { targets: 2, drive: "memory" }), {
    targets: 2,
    drive: "memory",
  });
  assert.deepEqual(settleShape("/d", recorded, {}), { targets: 3, drive: "file" });
  assert.deepEqual(settleShape("/d", recorded, { targets: 3 }), { targets: 3, drive: "file" });
  for (const wish of [{ targets: 4 }, { drive: "memory" as const }]) {
    assert.throws(() => settleShape("/d", recorded, wish), {
      code: "ERR_INVALID_ARGUMENT",
      message: /not supported yet/,
    });
  }
  for (const targets of [0, 1.5, 65, Number.NaN]) {
    assert.throws(() => settleShape("/d", undefined, { targets }), { code: "ERR_INVALID_ARGUMENT" });
  }
});
