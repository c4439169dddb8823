import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fillPage } from "../../bench/report/markdown.ts";
import { ROWS } from "../../bench/rows/rows.ts";
import { REPORT } from "./fixtures/report.ts";

const PAGE = readFileSync(new URL("../../docs/figures.md", import.meta.url), "utf8");

test("the page of figures has a place for every row, and for where they were taken", () => {
  const places = [...PAGE.matchAll(/<!-- figures of (.+) -->/g)].map(([, id]) => id);
  assert.deepEqual(places, ["the run", ...ROWS.map(({ id }) => id)]);
  assert.equal(PAGE.split("<!-- end of figures -->").length - 1, places.length);
});

test("a report fills its places, losses included, and can be replaced by another one", () => {
  const page =
    "# Page\n<!-- figures of T1 -->\nold\n<!-- end of figures -->\nprose\n<!-- figures of X9 -->\n<!-- end of figures -->\n";
  const filled = fillPage(page, REPORT);
  assert.match(filled, /\| get &lt;8 B> \| mode \| 20 us \| 80 us \| 40 k \| 2x \| 4x \|/);
  assert.match(filled, /\| get: at most 15 us \| 20 us \| \*\*not reached\*\* \|/);
  assert.match(filled, /absent: it's not installed/);
  assert.match(filled, /prose\n<!-- figures of X9 -->\n\nNot measured in this run\./);
  assert.doesNotMatch(filled, /old/);
  assert.equal(fillPage(filled, REPORT), filled);
  const series = fillPage("<!-- figures of T2 -->\n<!-- end of figures -->", REPORT);
  assert.match(series, /\| p50; rate by connections \| 1 \| 10 \| 100 \|/);
  assert.match(series, /\| many, mode \| 1 us; 1\.01 M\/s \| 10 us; 1\.10 M\/s \| 100 us; 2 M\/s \|/);
});

test("a row whose rates are compared says its times as times", () => {
  const [row] = REPORT.rows;
  assert.ok(row !== undefined);
  const rows = [{ ...row, compare: "operationsPerSecond" as const }];
  const filled = fillPage("<!-- figures of T1 -->\n<!-- end of figures -->", { ...REPORT, rows });
  assert.match(filled, /\| case \| mode \| p50 \| p99 \|/);
  assert.match(filled, /\| get &lt;8 B> \| mode \| 20 us \| 80 us \| 40 k \|/);
});
