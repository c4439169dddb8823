/** The image of a report. To see the golden one anew: write `plot(REPORT)` to fixtures/report.svg, and look at it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { logScale } from "../../bench/plot/log-scale.ts";
import { plot } from "../../bench/plot/plot.ts";
import { escaped } from "../../bench/plot/svg.ts";
import { describe } from "../../bench/report/table.ts";
import { Home } from "../cli/didafs.ts";
import { REPORT } from "./fixtures/report.ts";

/** Throws unless tags are balanced and text holds no bare < or &. */
function checkXml(text: string): void {
  const open: string[] = [];
  const rest = text.replace(
    /<(\/?)([A-Za-z]+)((?: [A-Za-z:-]+="[^"<]*")*)(\/?)>/g,
    (_, end, name, _attributes, empty) => {
      if (end === "/") assert.equal(open.pop(), name);
      else if (empty !== "/") open.push(name);
      return "";
    },
  );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /[<>]|&(?!(amp|lt|gt|quot);)/);
}

test("is well-formed, also where texts hold what XML does not", () => {
  checkXml(plot(REPORT));
  assert.throws(() => checkXml("<a><b></a>"));
  assert.equal(escaped('<a & "b">\u0000\ud800'), "&lt;a &amp; &quot;b&quot;&gt;\ufffd\ufffd");
});

test("shows every line, every target and every series of the report", () => {
  const svg = plot(REPORT);
  for (const row of REPORT.rows) {
    assert.ok(svg.includes(`>${escaped(`${row.id}  ${row.title}`)}<`));
    for (const { name, mode, seriesOnly, absent } of row.lines) {
      if (!seriesOnly) assert.ok(svg.includes(`>${escaped(`${name} · ${mode}`)}<`), name);
      if (absent !== undefined) assert.ok(svg.includes(escaped(`absent: ${absent}`)));
    }
    for (const { target } of row.targets) assert.ok(svg.includes(escaped(target)), target);
  }
  assert.ok(svg.includes(">many, p50 by connections<"));
  assert.ok(svg.includes(">many, ops/s by connections<"));
  // Two of a bar's targets have a time.
  assert.equal(svg.split('<path class="target"').length - 1, 2 + 1, "and one is in the legend");
  assert.doesNotMatch(svg, /<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)|NaN|undefined|Infinity/);
});

test("is what it was when somebody looked at it", () => {
  assert.equal(plot(REPORT), readFileSync(new URL("./fixtures/report.svg", import.meta.url), "utf8"));
});

test("an axis has the decades around its values, and nothing lies outside of it", () => {
  const scale = logScale([30, 4000, 0, Number.NaN], 0, 300);
  assert.deepEqual(scale.decades, [10, 100, 1000, 10_000]);
  assert.deepEqual([1, 10, 100, 10_000, 1e9].map(scale.at), [0, 0, 100, 300, 300]);
  assert.deepEqual(logScale([], 0, 10).decades, [1, 10]);
  assert.deepEqual(logScale([100], 0, 10).decades, [100, 1000]);
});

test("a saved report is shown and drawn without measuring", async () => {
  await using home = new Home();
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-plot-"));
  try {
    const [saved, image, other] = ["bench.json", "bench.svg", "other.json"].map((name) =>
      path.join(dir, name),
    ) as [string, string, string];
    writeFileSync(saved, JSON.stringify(REPORT));
    assert.equal(await home.ok("bench", "--from", saved, "--plot", image), `${describe(REPORT)}\n`);
    assert.equal(readFileSync(image, "utf8"), plot(JSON.parse(readFileSync(saved, "utf8"))));
    writeFileSync(other, "{}");
    const { code, stderr } = await home.run(["bench", "--from", other]);
    assert.equal(code, 2);
    assert.match(stderr, /holds no report of didafs bench --json/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
