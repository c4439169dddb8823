import { duration, rate } from "../report/format.ts";
import type { LineReport, Measured } from "../report/line-report.ts";
import type { Drawn } from "./bars.ts";
import { logScale } from "./log-scale.ts";
import { element, text } from "./svg.ts";

const COLUMNS = 3;
const GAP = 16;
const HEAD_HEIGHT = 20;
const PLOT_HEIGHT = 120;
const AXIS_HEIGHT = 18;
const KEY_HEIGHT = 15;
const LEFT = 52;
/** Lines of one colour differ by these. */
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];

/** What a curve shows: time, and where operations overlap also how many there are in a second. */
interface Figure {
  readonly name: string;
  readonly of: (measured: Measured) => number;
  readonly describe: (value: number) => string;
}

const TIME: Figure = { name: "p50", of: ({ p50Ns }) => p50Ns, describe: duration };
const RATE: Figure = {
  name: "ops/s",
  of: ({ operationsPerSecond }) => operationsPerSecond,
  describe: (value) => rate(value),
};

interface Chart {
  readonly title: string;
  readonly over: string;
  readonly figure: Figure;
  /** By mode. */
  readonly curves: readonly (readonly LineReport[])[];
}

/** The series of a row as small charts, on logarithmic axes; one for each thing that is done. */
export function drawCurves(lines: readonly LineReport[], top: number, width: number): Drawn {
  const charts = chartsOf(lines);
  const chartWidth = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  const parts: string[] = [];
  let y = top;
  for (let i = 0; i < charts.length; i += COLUMNS) {
    const beside = charts.slice(i, i + COLUMNS);
    for (const [column, chart] of beside.entries()) {
      parts.push(...drawChart(chart, column * (chartWidth + GAP), y, chartWidth));
    }
    const keys = Math.max(...beside.map(({ curves }) => curves.length));
    y += HEAD_HEIGHT + PLOT_HEIGHT + AXIS_HEIGHT + keys * KEY_HEIGHT + GAP;
  }
  return { height: y - top, parts };
}

function chartsOf(lines: readonly LineReport[]): Chart[] {
  const placed = lines.filter(({ point }) => point !== undefined);
  const groups = Map.groupBy(placed, ({ name, point }) => `${point?.over}\n${name}`);
  return [...groups.values()].flatMap((group) => {
    const [{ name, point }] = group as [LineReport];
    const curves = [...Map.groupBy(group, ({ case: id, mode }) => `${id}\n${mode}`).values()];
    const figures = group.some(overlaps) ? [TIME, RATE] : [TIME];
    return figures.map((figure) => ({ title: name, over: point?.over ?? "", figure, curves }));
  });
}

/** More than one operation was under way: then the rate is not just the other side of the time. */
function overlaps({ measured }: LineReport): boolean {
  const atOnce = measured?.rounds.map(
    ({ operationsPerSecond, meanNs }) => (operationsPerSecond * meanNs) / 1e9,
  );
  return atOnce?.some((count) => count > 1.1) ?? false;
}

function drawChart(
  { title, over, figure, curves }: Chart,
  left: number,
  top: number,
  width: number,
): string[] {
  const points = curves.map((curve) =>
    curve.flatMap(({ point, measured }) =>
      point === undefined || measured === undefined ? [] : { count: point.count, value: figure.of(measured) },
    ),
  );
  const [plotTop, bottom] = [top + HEAD_HEIGHT, top + HEAD_HEIGHT + PLOT_HEIGHT];
  const all = points.flat();
  const x = logScale(
    all.map(({ count }) => count),
    left + LEFT,
    left + width - 8,
  );
  const y = logScale(
    all.map(({ value }) => value),
    bottom,
    plotTop,
  );
  const parts = [text(left + LEFT, top + 12, `${title}, ${figure.name} by ${over}`, { class: "strong" })];
  for (const decade of y.decades) {
    const at = y.at(decade);
    parts.push(element("path", { class: "grid", d: `M${left + LEFT} ${at.toFixed(1)}H${left + width - 8}` }));
    parts.push(
      text(left + LEFT - 6, at + 4, figure.describe(decade), { class: "faint", "text-anchor": "end" }),
    );
  }
  for (const decade of x.decades) {
    const label = decade.toLocaleString("en");
    parts.push(text(x.at(decade), bottom + 14, label, { class: "faint", "text-anchor": "middle" }));
  }
  const dashes = new Map<string, number>();
  for (const [i, curve] of curves.entries()) {
    const [{ mode, role, absent }] = curve as [LineReport];
    const dash = DASHES[(dashes.get(role) ?? 0) % DASHES.length] as string;
    dashes.set(role, (dashes.get(role) ?? 0) + 1);
    const style = { class: `line-${role}`, ...(dash !== "" && { "stroke-dasharray": dash }) };
    const steps = (points[i] ?? []).map(
      ({ count, value }) => `${x.at(count).toFixed(1)} ${y.at(value).toFixed(1)}`,
    );
    if (steps.length > 0) parts.push(element("path", { ...style, d: `M${steps.join("L")}` }));
    for (const { count, value } of points[i] ?? []) {
      parts.push(element("circle", { class: `fill-${role}`, cx: x.at(count), cy: y.at(value), r: 2.5 }));
    }
    const keyY = bottom + AXIS_HEIGHT + 12 + i * KEY_HEIGHT;
    parts.push(element("path", { ...style, d: `M${left + LEFT} ${keyY - 4}h24` }));
    parts.push(text(left + LEFT + 30, keyY, absent === undefined ? mode : `${mode}: absent: ${absent}`));
  }
  return parts;
}
