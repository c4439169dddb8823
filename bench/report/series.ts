import { align, duration, rate } from "./format.ts";
import type { LineReport } from "./line-report.ts";

const LEFT = 3;

/** How cost grows with work: a table for each thing that grows, with its amounts as columns. */
export function describeSeries(lines: readonly LineReport[]): string[] {
  const byOver = Map.groupBy(
    lines.filter(({ point }) => point !== undefined),
    ({ point }) => point?.over ?? "",
  );
  return [...byOver].flatMap(([over, points]) => ["", ...describeOne(over, points)]);
}

function describeOne(over: string, points: readonly LineReport[]): string[] {
  const counts = [...new Set(points.map(({ point }) => point?.count ?? 0))].sort((a, b) => a - b);
  const head = [over.toUpperCase(), "", "", ...counts.map((count) => count.toLocaleString("en"))];
  const byName = Map.groupBy(points, ({ name, mode }) => `${name}\n${mode}`);
  const rows = [...byName.values()].flatMap((line) => {
    const [{ name, mode, absent }] = line as [LineReport];
    if (absent !== undefined) return [[name, mode, `absent: ${absent}`]];
    const at = (figure: (line: NonNullable<LineReport["measured"]>) => string): string[] =>
      counts.map((count) => {
        const measured = line.find(({ point }) => point?.count === count)?.measured;
        return measured === undefined ? "-" : figure(measured);
      });
    return [
      [name, mode, "p50", ...at(({ p50Ns }) => duration(p50Ns))],
      ["", "", "p99", ...at(({ p99Ns }) => duration(p99Ns))],
      ["", "", "ops/s", ...at(({ operationsPerSecond }) => rate(operationsPerSecond))],
    ];
  });
  return align(head, rows, LEFT);
}
