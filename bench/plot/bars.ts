import { duration } from "../report/format.ts";
import type { LineReport } from "../report/line-report.ts";
import type { RowReport } from "../report/report.ts";
import { type LogScale, logScale } from "./log-scale.ts";
import { element, text } from "./svg.ts";

const LABEL_WIDTH = 330;
const VALUE_WIDTH = 90;
const LINE_HEIGHT = 22;
const BAR_HEIGHT = 14;
const AXIS_HEIGHT = 24;

export interface Drawn {
  readonly height: number;
  readonly parts: readonly string[];
}

/** The lines of a row as bars, on a logarithmic axis of time an operation; what a line is measured against lies over it. */
export function drawBars(row: RowReport, top: number, width: number): Drawn {
  const lines = row.lines.filter(({ seriesOnly }) => !seriesOnly);
  const timeOf = (line: LineReport | undefined): number | undefined => line?.measured?.[row.compare];
  const targets = row.targets.flatMap(({ timeNs }) => timeNs ?? []);
  const times = lines.flatMap((line) => timeOf(line) ?? []);
  // So that also the shortest bar is seen.
  const shortest = Math.min(...times) / 2;
  const scale = logScale([...times, ...targets, shortest], LABEL_WIDTH, width - VALUE_WIDTH);
  const bottom = top + lines.length * LINE_HEIGHT;
  const parts = [...drawGrid(scale, top, bottom)];
  for (const [i, line] of lines.entries()) {
    const y = top + i * LINE_HEIGHT;
    parts.push(text(LABEL_WIDTH - 8, y + 15, `${line.name} · ${line.mode}`, { "text-anchor": "end" }));
    const ns = timeOf(line);
    if (ns === undefined) {
      parts.push(text(LABEL_WIDTH + 4, y + 15, `absent: ${line.absent}`, { class: "faint" }));
      continue;
    }
    const end = scale.at(ns);
    const bar = { x: LABEL_WIDTH, y: y + 4, width: Math.max(1, end - LABEL_WIDTH), height: BAR_HEIGHT };
    parts.push(element("rect", { class: `fill-${line.role}`, ...bar }));
    parts.push(text(Math.max(end, ...ticksOf(row, line.id, scale)) + 6, y + 15, duration(ns)));
    for (const x of ticksOf(row, line.id, scale)) {
      parts.push(element("path", { class: "target", d: `M${x.toFixed(1)} ${y + 1}v20` }));
    }
  }
  return { height: bottom - top + AXIS_HEIGHT, parts };
}

function ticksOf({ targets }: RowReport, id: string, scale: LogScale): number[] {
  return targets.flatMap(({ line, timeNs }) => (line === id && timeNs !== undefined ? scale.at(timeNs) : []));
}

function drawGrid(scale: LogScale, top: number, bottom: number): string[] {
  return scale.decades.flatMap((decade) => {
    const x = scale.at(decade);
    return [
      element("path", { class: "grid", d: `M${x.toFixed(1)} ${top}V${bottom}` }),
      text(x, bottom + 14, duration(decade), { class: "faint", "text-anchor": "middle" }),
    ];
  });
}
