import { formatBytes, formatSeconds, formatTable } from "../format.ts";
import { printable } from "../printable.ts";
import type { HotFile } from "./hot-files.ts";
import type { LatencyReport, TargetReport } from "./report.ts";

/** Everything that is shown of one interval. */
export interface TopReport {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly intervalMs: number;
  readonly dir: string;
  readonly cluster: string;
  readonly targets: readonly TargetReport[];
  readonly files: readonly HotFile[];
}

/** The report as people read it. */
export function viewText({ timeMs, dir, cluster, targets, files }: TopReport): string {
  const time = new Date(timeMs).toTimeString().slice(0, 8);
  const mappings = targets.reduce((sum, target) => sum + target.mappings, 0);
  return [
    `${time}  cluster ${cluster.slice(0, 8)} in ${printable(dir)}`,
    "",
    formatTable([RATES, ...targets.map(rateRow)], RATES_RIGHT),
    ...targets.flatMap(problemLines),
    "",
    formatTable([LATENCIES, ...targets.flatMap(latencyRows)], LATENCIES_RIGHT),
    "",
    formatTable([FILES, ...files.map(fileRow)], FILES_RIGHT),
    "",
    `${mappings} mappings were passed to origins; what is done through one reaches no target and is not counted.`,
  ].join("\n");
}

const RATES = [
  "TARGET",
  "STATE",
  "UP",
  "OPS/S",
  "GET/S",
  "PUT/S",
  "ATOMIC/S",
  "FLUSH/S",
  "EPOCH/S",
  "REFUSED/S",
  "TCP IN/S",
  "TCP OUT/S",
  "UNIX IN/S",
  "UNIX OUT/S",
  "SESSIONS",
  "CONNS",
];
const RATES_RIGHT = new Set(RATES.keys().drop(2));

function rateRow({ name, state, uptimeMs, perSecond, sessions, connections }: TargetReport): string[] {
  const count = (value: number | undefined): string => (value === undefined ? "-" : formatCount(value));
  const bytes = (value: number | undefined): string => (value === undefined ? "-" : formatBytes(value));
  const rate = perSecond ?? undefined;
  const isKnown = state !== "unknown";
  return [
    name,
    state,
    uptimeMs === null ? "-" : formatSeconds(uptimeMs / 1000),
    count(rate?.operations),
    count(rate?.gets),
    count(rate === undefined ? undefined : rate.puts + rate.accumulates),
    count(rate?.atomics),
    count(rate?.flushes),
    count(rate?.epochsCommitted),
    count(rate?.refused),
    bytes(rate?.tcpBytesIn),
    bytes(rate?.tcpBytesOut),
    bytes(rate?.unixBytesIn),
    bytes(rate?.unixBytesOut),
    isKnown ? String(sessions) : "-",
    isKnown ? String(connections) : "-",
  ];
}

function problemLines({ name, problem, refusals, totals, locks, epochs }: TargetReport): string[] {
  const faults = ["protocolErrors", "syncFailures", "failedRegions", "faults"].map(
    (what): [string, number] => [what, totals[what] ?? 0],
  );
  const conflicts = ["epochConflicts", "epochsAborted"].map((what): [string, number] => [
    what,
    totals[what] ?? 0,
  ]);
  const counted = [...Object.entries(refusals), ...conflicts, ...faults].filter(([, count]) => count > 0);
  const since = counted.map(([what, count]) => `${what} ${formatCount(count)}`).join(", ");
  const { held, waiting } = locks;
  return [
    ...(held + waiting === 0 ? [] : [`${name}: locks held ${held}, waited for ${waiting}`]),
    ...(epochs.underWay === 0 ? [] : [`${name}: epochs under way ${epochs.underWay}`]),
    ...(problem === null ? [] : [printable(`${name}: ${problem}`)]),
    ...(since === "" ? [] : [`${name}: since its start: ${since}`]),
  ];
}

const LATENCIES = ["TOOK AT THE TARGET", "", "COUNT", "P50", "P90", "P99", "P99.9"];
const LATENCIES_RIGHT = new Set([2, 3, 4, 5, 6]);

function latencyRows({ name, commands, flushes }: TargetReport): string[][] {
  const row = (what: string, latency: LatencyReport | null): string[] => [
    name,
    what,
    formatCount(latency?.count ?? 0),
    ...(latency === null
      ? ["-", "-", "-", "-"]
      : [latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.p999Ms].map(formatMs)),
  ];
  return [row("commands", commands), ...(flushes === null ? [] : [row("stable flushes", flushes)])];
}

const FILES = ["OPS/S", "READ/S", "WRITTEN/S", "TARGETS", "FILE"];
const FILES_RIGHT = new Set([0, 1, 2]);

function fileRow({ inode, path, targets, operations, readBytes, writtenBytes }: HotFile): string[] {
  const [first = "", ...more] = targets;
  return [
    formatCount(operations),
    formatBytes(readBytes),
    formatBytes(writtenBytes),
    more.length === 0 ? first : `${targets.length} of them`,
    inode === 0 ? "(others)" : path === null ? `inode ${inode}` : printable(path),
  ];
}

/** A count in at most four digits: `0`, `12.5 k`, `4.10 M`. */
export function formatCount(value: number): string {
  if (value < 999.5) return value === 0 || value >= 9.95 ? String(Math.round(value)) : value.toFixed(1);
  const [unit, scale] = value < 999_500 ? ["k", 1e3] : value < 999_500_000 ? ["M", 1e6] : ["G", 1e9];
  const scaled = value / (scale as number);
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
}

/** A duration in three digits: `0.3 us`, `12.5 us`, `3.41 ms`, `1.20 s`. */
export function formatMs(ms: number): string {
  const [unit, scale] = ms < 0.9995 ? ["us", 1e3] : ms < 999.5 ? ["ms", 1] : ["s", 1e-3];
  const scaled = ms * (scale as number);
  return `${scaled.toFixed(scaled < 9.995 && unit !== "us" ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
}
