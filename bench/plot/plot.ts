import type { BenchReport } from "../report/report.ts";
import { describeTarget, headOf } from "../report/table.ts";
import { drawBars } from "./bars.ts";
import { drawCurves } from "./curves.ts";
import { element, escaped, text } from "./svg.ts";

const WIDTH = 960;
const MARGIN = 24;
const TITLE_HEIGHT = 46;
const ROW_GAP = 30;
const TARGET_HEIGHT = 16;

/**
 * Colours of Okabe and Ito's palette, which people see apart who see few colours, darkened on light and lightened on dark
 * paper so that they stand out from it at 4.5 to 1.
 */
const STYLE = `
svg { --paper: #fff; --ink: #1b1b1b; --faint: #5c5c5c; --grid: #dcdcdc; --target: #1b1b1b;
  --didafs: #0063a0; --peer: #a85400; --limit: #00704e; --control: #6a6a6a; font: 12px sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #16181c; --ink: #ececec; --faint: #a8a8a8; --grid: #3a3d42;
  --target: #fff; --didafs: #56b4e9; --peer: #e69f00; --limit: #2fc795; --control: #9c9c9c; } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .faint { fill: var(--faint); font-size: 11px; }
.title { font-size: 16px; font-weight: bold; } .strong { font-weight: bold; }
.grid { stroke: var(--grid); fill: none; } .target { stroke: var(--target); stroke-width: 2.5; fill: none; }
.fill-didafs { fill: var(--didafs); } .fill-peer { fill: var(--peer); } .fill-limit { fill: var(--limit); }
.fill-control { fill: var(--control); }
.line-didafs { stroke: var(--didafs); } .line-peer { stroke: var(--peer); } .line-limit { stroke: var(--limit); }
.line-control { stroke: var(--control); }
.line-didafs, .line-peer, .line-limit, .line-control { fill: none; stroke-width: 2; }
`;

/** A report as one SVG image: bars of every line, curves of every series, and the targets. No scripts, nothing from elsewhere. */
export function plot(report: BenchReport): string {
  const inner = WIDTH - 2 * MARGIN;
  const parts: string[] = [...drawLegend(0)];
  let y = TITLE_HEIGHT;
  for (const line of headOf(report)) {
    parts.push(text(0, y, line, { class: "faint" }));
    y += TARGET_HEIGHT;
  }
  for (const row of report.rows) {
    y += ROW_GAP;
    parts.push(text(0, y, `${row.id}  ${row.title}`, { class: "title" }));
    parts.push(text(0, y + 16, row.setting, { class: "faint" }));
    y += 26;
    const bars = drawBars(row, y, inner);
    y += bars.height + 8;
    const curves = drawCurves(row.lines, y, inner);
    y += curves.height;
    parts.push(...bars.parts, ...curves.parts);
    for (const target of row.targets) {
      y += TARGET_HEIGHT;
      parts.push(text(0, y, describeTarget(target).trim().replace(/ {2,}/, " · ")));
    }
  }
  const height = y + 2 * MARGIN;
  const size = { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${Math.round(height)}` };
  const paper = element("rect", { class: "paper", x: 0, y: 0, width: WIDTH, height });
  const drawing = element("g", { transform: `translate(${MARGIN} ${MARGIN})` }, `\n${parts.join("\n")}\n`);
  const title = element("title", {}, escaped("DiDAFS beside its peers and limits"));
  const svg = element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", role: "img", ...size },
    title,
    element("style", {}, STYLE),
    paper,
    drawing,
  );
  return `${svg}\n`;
}

function drawLegend(top: number): string[] {
  const roles = [
    ["didafs", "DiDAFS"],
    ["peer", "peer"],
    ["limit", "limit of the machine"],
    ["control", "the harness itself"],
  ] as const;
  const parts = [text(0, top + 12, "Time of an operation; shorter is better", { class: "strong" })];
  let x = 270;
  for (const [role, name] of roles) {
    parts.push(element("rect", { class: `fill-${role}`, x, y: top + 2, width: 14, height: 12 }));
    parts.push(text(x + 20, top + 12, name));
    x += 40 + name.length * 7;
  }
  parts.push(
    element("path", { class: "target", d: `M${x + 4} ${top}v16` }),
    text(x + 14, top + 12, "target"),
  );
  return parts;
}
