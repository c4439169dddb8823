// Puts a run's figures into docs/figures.md and draws docs/figures.svg: node bench/figures.ts bench.json
// The report is what `didafs bench --json` printed. No figure on that page is typed by hand.
import { readFileSync, writeFileSync } from "node:fs";
import { plot } from "./plot/plot.ts";
import { fillPage } from "./report/markdown.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node bench/figures.ts bench.json");
  process.exit(2);
}
const report = JSON.parse(readFileSync(file, "utf8"));
const page = new URL("../docs/figures.md", import.meta.url);
writeFileSync(page, fillPage(readFileSync(page, "utf8"), report));
writeFileSync(new URL("../docs/figures.svg", import.meta.url), plot(report));
