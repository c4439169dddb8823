import type { Settings } from "../harness/context.ts";
import type { Round } from "../harness/messages.ts";
import type { Row } from "../harness/row.ts";
import { median, medianTiming } from "../harness/statistics.ts";
import type { CaseReport, Measured } from "./case-report.ts";
import type { Environment } from "./environment.ts";
import { type Judged, judge } from "./judge.ts";

export interface RowReport {
  readonly id: string;
  readonly title: string;
  readonly workingSetBytes: number;
  readonly batchOps: number;
  readonly compare: Row["compare"];
  readonly cases: readonly CaseReport[];
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
  const ratio = (of: string, to: string | undefined): number | undefined => {
    const [rounds, others] = [outcomes.get(of), to === undefined ? undefined : outcomes.get(to)];
    return isMeasured(rounds) && isMeasured(others) ? ratioOf(row, rounds, others) : undefined;
  };
  const cases = row.cases.map(({ id, name, mode, role, moves, limit, peer }): CaseReport => {
    const known = { id, name, mode, role, moves };
    const outcome = outcomes.get(id);
    if (!isMeasured(outcome)) return { ...known, absent: outcome?.absent ?? "not run" };
    const [timesLimit, peerTimes] = [ratio(id, limit), peer === undefined ? undefined : ratio(peer, id)];
    return {
      ...known,
      measured: measuredOf(row, outcome),
      ...(timesLimit === undefined ? {} : { timesLimit }),
      ...(peerTimes === undefined ? {} : { peerTimes }),
    };
  });
  return {
    id: row.id,
    title: row.title,
    workingSetBytes: row.words * 8,
    batchOps: row.batchOps,
    compare: row.compare,
    cases,
    targets: row.targets.map((target) => judge(target, cases, ratio)),
  };
}

function isMeasured(outcome: Outcome | undefined): outcome is readonly Round[] {
  return Array.isArray(outcome);
}

/** Round by round, since what else the machine does changes from one to the next. */
function ratioOf({ compare }: Row, rounds: readonly Round[], others: readonly Round[]): number {
  return median(rounds.map((round, i) => round[compare] / (others[i] as Round)[compare]));
}

function measuredOf({ compare }: Row, rounds: readonly Round[]): Measured {
  const timing = medianTiming(rounds);
  const figures = rounds.map((round) => round[compare]);
  return {
    ...timing,
    operationsPerSecond: 1e9 / timing.meanNs,
    spread: (Math.max(...figures) - Math.min(...figures)) / 2 / median(figures),
    operations: rounds.reduce((total, { operations }) => total + operations, 0),
    hash: rounds.at(-1)?.hash,
    rounds,
  };
}
