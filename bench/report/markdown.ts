import { amount, duration, rate } from "./format.ts";
import type { Judged } from "./judge.ts";
import type { LineReport } from "./line-report.ts";
import type { BenchReport, RowReport } from "./report.ts";
import { headOf } from "./table.ts";

const BEGIN = (id: string): string => `<!-- figures of ${id} -->`;
const END = "<!-- end of figures -->";

/**
 * Puts a report's figures into a page, between the marks that it has for them: `<!-- figures of L1 -->` for a row,
 * `<!-- figures of the run -->` for where they were taken. What no figures are there for is said to be not measured.
 */
export function fillPage(page: string, report: BenchReport): string {
  return page.replace(
    /<!-- figures of (.+) -->\n[\s\S]*?<!-- end of figures -->/g,
    (_, id: string) => `${BEGIN(id)}\n\n${figuresOf(id, report)}\n\n${END}`,
  );
}

function figuresOf(id: string, report: BenchReport): string {
  if (id === "the run") return headOf(report).map(cell).join("\\\n");
  const row = report.rows.find((known) => known.id === id);
  return row === undefined ? "Not measured in this run." : rowTable(row);
}

function rowTable({ lines, targets, operations = "ops/s", compare }: RowReport): string {
  const [time, said] = compare === "meanNs" ? (["meanNs", "mean"] as const) : (["p50Ns", "p50"] as const);
  const head = ["case", "mode", said, "p99", operations.toLowerCase(), "time/limit", "peer/time"];
  const rows = lines.filter(({ seriesOnly }) => !seriesOnly).map((line) => lineCells(line, time));
  return [
    table(head, rows),
    ...seriesTables(lines),
    ...(targets.length === 0 ? [] : [targetTable(targets)]),
  ].join("\n\n");
}

function lineCells(line: LineReport, time: "meanNs" | "p50Ns"): string[] {
  const { name, mode, measured, absent, timesLimit, peerTimes } = line;
  if (measured === undefined) return [name, mode, `absent: ${absent}`, "", "", "", ""];
  const times = (ratio: number | undefined): string => (ratio === undefined ? "" : `${amount(ratio)}x`);
  const { p99Ns, operationsPerSecond } = measured;
  const figures = [duration(measured[time]), duration(p99Ns), rate(operationsPerSecond)];
  return [name, mode, ...figures, times(timesLimit), times(peerTimes)];
}

function seriesTables(lines: readonly LineReport[]): string[] {
  const placed = Map.groupBy(
    lines.filter(({ point, measured }) => point !== undefined && measured !== undefined),
    ({ point }) => point?.over ?? "",
  );
  return [...placed].map(([over, points]) => {
    const counts = [...new Set(points.map(({ point }) => point?.count ?? 0))].sort((a, b) => a - b);
    const curves = Map.groupBy(points, ({ name, mode }) => `${name}\n${mode}`);
    const rows = [...curves.values()].map((curve) => {
      const [{ name, mode }] = curve as [LineReport];
      return [
        `${name}, ${mode}`,
        ...counts.map((count) => {
          const measured = curve.find(({ point }) => point?.count === count)?.measured;
          if (measured === undefined) return "";
          return `${duration(measured.p50Ns)}; ${rate(measured.operationsPerSecond)}/s`;
        }),
      ];
    });
    return table([`p50; rate by ${over}`, ...counts.map((count) => count.toLocaleString("en"))], rows);
  });
}

function targetTable(targets: readonly Judged[]): string {
  const rows = targets.map(({ target, value, unit, outcome }) => [
    target,
    value === undefined ? "" : unit === "ns" ? duration(value) : amount(value),
    outcome === "reached" ? outcome : `**${outcome}**`,
  ]);
  return table(["target", "found", ""], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function cell(said: string): string {
  return said.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
}
