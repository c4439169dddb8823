import { align, amount, duration, rate } from "./format.ts";
import type { Judged } from "./judge.ts";
import type { LineReport } from "./line-report.ts";
import type { BenchReport, RowReport } from "./report.ts";
import { describeSeries } from "./series.ts";

const OPERATIONS = "OPS/S";
const HEAD = [
  "CASE",
  "MODE",
  "P50",
  "P90",
  "P99",
  "MEAN",
  "SPREAD",
  OPERATIONS,
  "TIME/LIMIT",
  "PEER/TIME",
  "HASH",
];
const LEFT = 2;
const COMPARED = { meanNs: "means", p50Ns: "p50", operationsPerSecond: "rates" } as const;

/** The report as people read it. */
export function describe(report: BenchReport): string {
  return [...headOf(report), ...report.rows.map(describeRow)].join("\n");
}

/** Where, of what and how the figures were taken. */
export function headOf({ environment, settings }: BenchReport): string[] {
  const { cpu, cores, kernel, congestionControl, node, didafs, commit, loadBefore } = environment;
  const machine = `${cpu}, ${cores} cores, Linux ${kernel}, TCP ${congestionControl}, Node ${node}, load before ${loadBefore.toFixed(1)}`;
  const version = `didafs ${didafs}${commit === undefined ? "" : ` (${commit})`}`;
  const how = `${settings.rounds} rounds of ${settings.roundMs} ms a case, taking turns, after ${settings.warmUpMs} ms of warm-up; ${settings.drive} drive`;
  return [machine, `${version}; ${how}`];
}

function describeRow(row: RowReport): string {
  const head = HEAD.map((cell) => (cell === OPERATIONS ? (row.operations ?? cell) : cell));
  const lines = row.lines.filter(({ seriesOnly }) => !seriesOnly);
  return [
    "",
    `${row.id}  ${row.title}`,
    `    ${row.setting}; ratios of ${COMPARED[row.compare]}`,
    ...align(head, lines.map(cells), LEFT),
    ...describeSeries(row.lines),
    "",
    ...row.targets.map(describeTarget),
  ].join("\n");
}

function cells({ name, mode, absent, measured, timesLimit, peerTimes }: LineReport): string[] {
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

export function describeTarget({ target, value, unit, outcome }: Judged): string {
  const shown = unit === "ns" ? duration(value) : amount(value ?? 0);
  const found = value === undefined ? "what it is measured against is absent" : shown;
  return `    ${outcome.padEnd("not reached".length)}  ${target}: ${found}`;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "-" : `${amount(ratio)}x`;
}
