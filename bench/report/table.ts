import { align, amount, duration, rate } from "./format.ts";
import type { Judged } from "./judge.ts";
import type { LineReport } from "./line-report.ts";
import type { BenchReport, RowReport } from "./report.ts";
import { describeSeries } from "./series.ts";

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
const LEFT = 2;

/** The report as people read it. */
export function describe({ environment, settings, rows }: BenchReport): string {
  const { cpu, cores, kernel, node, didafs, commit, loadBefore } = environment;
  const machine = `${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, load before ${loadBefore.toFixed(1)}`;
  const version = `didafs ${didafs}${commit === undefined ? "" : ` (${commit})`}`;
  const how = `${settings.rounds} rounds of ${settings.roundMs} ms a case, taking turns, after ${settings.warmUpMs} ms of warm-up; ${settings.drive} drive`;
  return [machine, `${version}; ${how}`, ...rows.map(describeRow)].join("\n");
}

function describeRow(row: RowReport): string {
  const figure = row.compare === "meanNs" ? "means" : "p50";
  const lines = row.lines.filter(({ seriesOnly }) => !seriesOnly);
  return [
    "",
    `${row.id}  ${row.title}`,
    `    ${row.setting}; ratios of ${figure}`,
    ...align(HEAD, lines.map(cells), LEFT),
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

function describeTarget({ target, value, unit, outcome }: Judged): string {
  const shown = unit === "ns" ? duration(value) : amount(value ?? 0);
  const found = value === undefined ? "what it is measured against is absent" : shown;
  return `    ${outcome.padEnd("not reached".length)}  ${target}: ${found}`;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "-" : `${amount(ratio)}x`;
}
