import type { CaseReport } from "./case-report.ts";
import type { Judged } from "./judge.ts";
import type { BenchReport, RowReport } from "./report.ts";

const HEAD = [
  "CASE",
  "MODE",
  "P50",
  "P90",
  "P99",
  "MEAN",
  "SPREAD",
  "OPS/S",
  "TIME/LIMIT",
  "PEER/TIME",
  "HASH",
];
const LEFT = new Set([0, 1, HEAD.length - 1]);
const NONE = "-";

/** The report as people read it. */
export function describe({ environment, settings, rows }: BenchReport): string {
  const { cpu, cores, kernel, node, didafs, commit, loadBefore } = environment;
  const machine = `${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, load before ${loadBefore.toFixed(1)}`;
  const version = `didafs ${didafs}${commit === undefined ? "" : ` (${commit})`}`;
  const how = `${settings.rounds} rounds of ${settings.roundMs} ms a case, taking turns, after ${settings.warmUpMs} ms of warm-up; ${settings.drive} drive`;
  return [machine, `${version}; ${how}`, ...rows.map(describeRow)].join("\n");
}

function describeRow(row: RowReport): string {
  const words = row.workingSetBytes / 8;
  const percentiles =
    row.batchOps === 1 ? "of single operations" : `over batches of ${row.batchOps} operations`;
  const figure = row.compare === "meanNs" ? "means" : "p50";
  return [
    "",
    `${row.id}  ${row.title}`,
    `    working set ${row.workingSetBytes / 1024} KiB (${words} words in order); percentiles ${percentiles}; ratios of ${figure}`,
    ...align([HEAD, ...row.cases.map(cells)]),
    "",
    ...row.targets.map(describeTarget),
  ].join("\n");
}

function cells({ name, mode, absent, measured, timesLimit, peerTimes }: CaseReport): string[] {
  if (measured === undefined) return [name, mode, `absent: ${absent}`];
  const { p50Ns, p90Ns, p99Ns, meanNs, spread, operationsPerSecond, hash } = measured;
  return [
    name,
    mode,
    ...[p50Ns, p90Ns, p99Ns, meanNs].map(duration),
    `±${(spread * 100).toFixed(0)}%`,
    rate(operationsPerSecond),
    times(timesLimit),
    times(peerTimes),
    hash?.slice(0, 8) ?? "not shown",
  ];
}

function describeTarget({ target, value, outcome }: Judged): string {
  const found = value === undefined ? "what it is measured against is absent" : amount(value);
  return `    ${outcome.padEnd("not reached".length)}  ${target}: ${found}`;
}

/** A count of nanoseconds or a ratio, at the precision that such figures deserve. */
function amount(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? NONE : `${amount(ratio)}x`;
}

function duration(ns: number | undefined): string {
  if (ns === undefined) return NONE;
  return ns < 1000 ? `${amount(ns)} ns` : `${amount(ns / 1000)} us`;
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${amount(perSecond / 1e6)} M`;
  return perSecond >= 1e3 ? `${amount(perSecond / 1e3)} k` : amount(perSecond);
}

/** Columns as wide as their widest cell; the reason why a case is absent runs over the figures' columns. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) {
      if (row.length === HEAD.length || at < 2) widths[at] = Math.max(widths[at] ?? 0, cell.length);
    }
  const pad = (cell: string, at: number, row: readonly string[]): string =>
    LEFT.has(at) || row.length < HEAD.length
      ? cell.padEnd(widths[at] as number)
      : cell.padStart(widths[at] as number);
  return rows.map((row) => `    ${row.map((cell, at) => pad(cell, at, row)).join("  ")}`.trimEnd());
}
