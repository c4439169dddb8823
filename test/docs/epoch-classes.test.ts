import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EPOCH_CLASS_HEADING, epochClassTable } from "../../src/cli/epoch-class-table.ts";

test("docs/epochs.md holds the table of all classes of epochs", () => {
  const docs = readFileSync(new URL("../../docs/epochs.md", import.meta.url), "utf8");
  const [, section] = docs.split(`\n${EPOCH_CLASS_HEADING}\n`);
  assert.ok(
    section?.includes(`\n${epochClassTable()}\n`),
    "write it anew with: node scripts/epoch-table.mjs",
  );
});

test("the table says of each of the 96 combinations what it is, and gives a reason where it is no class of its own", () => {
  const [table, reasons] = epochClassTable().split("\n\n") as [string, string];
  const cells = table
    .split("\n")
    .slice(2)
    .flatMap((row) => row.split("|").slice(4, -1));
  assert.equal(cells.length, 96);
  const known = reasons.split("\n").length;
  for (const cell of cells) {
    const [, number] = / \((\d+)\)/.exec(cell) ?? [];
    assert.equal(number === undefined, cell.trim() === "valid", cell);
    if (number !== undefined) assert.ok(Number(number) >= 1 && Number(number) <= known, cell);
  }
});
