import { DidafsError } from "../src/std/errors.ts";
import { type BenchContext, DRIVE, openContext, type Settings } from "./harness/context.ts";
import type { Round } from "./harness/messages.ts";
import type { OpenCaseRunner, Row } from "./harness/row.ts";
import { environment } from "./report/environment.ts";
import { type BenchReport, type Outcome, reportRow } from "./report/report.ts";

/**
 * Measures the rows, one after the other, on a throw-away cluster. Within a row the cases take turns, a round each,
 * until every case had all its rounds; so a change of the machine meets all of them. Never two at a time.
 * @throws ERR_CORRUPT when a case moved other bytes than it should; ERR_INTERNAL when one failed; ERR_ABORTED
 */
export async function runBench(
  rows: readonly Row[],
  settings: Settings,
  signal: AbortSignal,
  tell: (what: string) => void = () => {},
): Promise<BenchReport> {
  const machine = environment();
  await using context = openContext(settings, signal);
  const reports: BenchReport["rows"][number][] = [];
  for (const row of rows) reports.push(reportRow(row, await runRow(row, context, tell)));
  return { environment: machine, settings: { ...settings, drive: DRIVE }, rows: reports };
}

async function runRow(
  row: Row,
  context: BenchContext,
  tell: (what: string) => void,
): Promise<Map<string, Outcome>> {
  await using closers = new AsyncDisposableStack();
  const outcomes = new Map<string, Outcome>();
  const running: { readonly id: string; readonly runner: OpenCaseRunner; readonly rounds: Round[] }[] = [];
  for (const spec of row.cases) {
    tell(`${row.id}: warming up ${spec.id}`);
    const opened = await spec.open(context, row, spec);
    if ("absent" in opened) {
      outcomes.set(spec.id, opened);
      continue;
    }
    closers.defer(() => opened.close());
    const rounds: Round[] = [];
    running.push({ id: spec.id, runner: opened, rounds });
    outcomes.set(spec.id, rounds);
  }
  for (let round = 1; round <= context.settings.rounds; round++) {
    for (const { id, runner, rounds } of running) {
      tell(`${row.id}: round ${round} of ${context.settings.rounds}, ${id}`);
      const result = await runner.round(round, context.signal);
      checkBytes(`${row.id}-${id}`, result);
      rounds.push(result);
    }
  }
  return outcomes;
}

function checkBytes(name: string, { hash, expectedHash }: Round): void {
  if (hash === expectedHash) return;
  throw new DidafsError(
    "ERR_CORRUPT",
    `case ${name} moved the wrong bytes: hash ${hash}, expected ${expectedHash}`,
  );
}
