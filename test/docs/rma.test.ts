/** The table of docs/rma.md and the tests in test/rma say the same. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { sectionOf } from "./page-programs.ts";

const TESTS = path.resolve(import.meta.dirname, "../rma");
const SUFFIX = ".test.ts";

/** The cells of each row but the two that are the head. */
function rowsOf(heading: string): string[][] {
  const rows = sectionOf("docs/rma.md", heading)
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "));
  return rows.slice(1);
}

/** As the table names them. */
function casesOf(source: string, file: string): string[] {
  const names = [...source.matchAll(/\bit\(\s*("(?:[^"\\]|\\.)*")/g)].map(([, name]) =>
    JSON.parse(name as string),
  );
  assert.equal(
    names.length,
    source.match(/\bit\(/g)?.length,
    `${file}: names that are texts, so that they can be read`,
  );
  return names.map((name) => `${file}: ${name}`);
}

test("each row of docs/rma.md names a case that is there, and each case has one row", () => {
  const files = readdirSync(TESTS).filter((name) => name.endsWith(SUFFIX));
  const cases = files.flatMap((name) =>
    casesOf(readFileSync(path.join(TESTS, name), "utf8"), name.slice(0, -SUFFIX.length)),
  );
  const named = rowsOf("## The cases").map((cells) => cells[3] as string);
  assert.ok(cases.length >= 25, "there are cases");
  assert.deepEqual(named.toSorted(), cases.toSorted());
});

test("each row says which section of the standard it is after, what that demands, and what is done here", () => {
  for (const cells of rowsOf("## The cases")) {
    assert.equal(cells.length, 4, cells.join(" | "));
    assert.match(cells[0] as string, /^11\.[2-8](\.[1-6])?$/);
    for (const cell of cells) assert.notEqual(cell.trim(), "");
  }
});
