import type { Settings } from "../harness/context.ts";
import type { Round, Timed } from "../harness/messages.ts";
import { type CaseSpec, type LineSpec, lineId, linesOf, type Row } from "../harness/row.ts";
import { median, medianTiming } from "../harness/statistics.ts";
import type { Environment } from "./environment.ts";
import { type Judged, judge } from "./judge.ts";
import type { LineReport, Measured } from "./line-report.ts";

export interface RowReport {
  readonly id: string;
  readonly title: string;
  readonly setting: string;
  readonly compare: Row["compare"];
  /** See Row. */
  readonly operations?: string;
  readonly lines: readonly LineReport[];
  readonly targets: readonly Judged[];
}

export interface BenchReport {
  readonly environment: Environment;
  readonly settings: Settings & { readonly drive: string };
  readonly rows: readonly RowReport[];
}

/** What a case gave: its rounds, or why there are none. */
export type Outcome = readonly Round[] | { readonly absent: string };

export function reportRow(row: Row, outcomes: ReadonlyMap<string, Outcome>): RowReport {
  const timed = timedByLine(row, outcomes);
  // Round by round, since what else the machine does changes from one to the next.
  const ratio = (of: string | undefined, to: string | undefined): number | undefined => {
    const [rounds, others] = [timed.get(of ?? ""), timed.get(to ?? "")];
    if (rounds === undefined || others === undefined) return undefined;
    return median(rounds.map((round, i) => costOf(row, round) / costOf(row, others[i] as Timed)));
  };
  const lines = row.cases.flatMap((spec) =>
    linesOf(spec).map((line) => reportLine(row, spec, line, outcomes.get(spec.id), ratio)),
  );
  const targets = row.targets.map((target) => judge(target, lines, row.compare, ratio));
  const { id, title, setting, compare, operations } = row;
  return { id, title, setting, compare, ...(operations && { operations }), lines, targets };
}

function costOf({ compare }: Row, timed: Timed): number {
  return compare === "operationsPerSecond" ? 1 / timed[compare] : timed[compare];
}

function timedByLine(row: Row, outcomes: ReadonlyMap<string, Outcome>): Map<string, readonly Timed[]> {
  const timed = new Map<string, readonly Timed[]>();
  for (const spec of row.cases) {
    const outcome = outcomes.get(spec.id);
    if (!isMeasured(outcome)) continue;
    for (const { key } of linesOf(spec)) timed.set(lineId(spec.id, key), timedOf(spec, key, outcome));
  }
  return timed;
}

function timedOf(spec: CaseSpec, key: string, rounds: readonly Round[]): Timed[] {
  return rounds.map(({ lines }) => {
    const timed = lines[key];
    if (timed === undefined) throw new Error(`case ${spec.id} did not measure ${key}`);
    return timed;
  });
}

function reportLine(
  { compare }: Row,
  spec: CaseSpec,
  { key, name, limit, peer, point, seriesOnly = false }: LineSpec,
  outcome: Outcome | undefined,
  ratio: (of: string | undefined, to: string | undefined) => number | undefined,
): LineReport {
  const id = lineId(spec.id, key);
  const { mode, role, does } = spec;
  const known = { id, case: spec.id, name, mode, role, does, ...(point && { point }), seriesOnly };
  if (!isMeasured(outcome)) return { ...known, absent: outcome?.absent ?? "not run" };
  const [timesLimit, peerTimes] = [limit && ratio(id, limit), peer && ratio(peer, id)];
  return {
    ...known,
    measured: measuredOf(compare, outcome.at(-1) as Round, timedOf(spec, key, outcome)),
    ...(typeof timesLimit === "number" && { timesLimit }),
    ...(typeof peerTimes === "number" && { peerTimes }),
  };
}

function isMeasured(outcome: Outcome | undefined): outcome is readonly Round[] {
  return Array.isArray(outcome);
}

function measuredOf(compare: Row["compare"], last: Round, rounds: readonly Timed[]): Measured {
  const figures = rounds.map((round) => round[compare]);
  return {
    ...medianTiming(rounds),
    operationsPerSecond: median(rounds.map((round) => round.operationsPerSecond)),
    spread: (Math.max(...figures) - Math.min(...figures)) / 2 / median(figures),
    operations: rounds.reduce((total, { operations }) => total + operations, 0),
    hash: last.hash,
    counts: last.counts ?? {},
    rounds,
  };
}
