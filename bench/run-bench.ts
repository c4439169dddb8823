import { DidafsError } from "../src/std/errors.ts";
import { type BenchContext, DRIVE, openContext, type Settings } from "./harness/context.ts";
import type { Round } from "./harness/messages.ts";
import type { OpenCaseRunner, Row } from "./harness/row.ts";
import { environment } from "./report/environment.ts";
import { type BenchReport, type Outcome, reportRow } from "./report/report.ts";

const OPENED_AT_ONCE = 2;

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

interface RunningCase {
  readonly id: string;
  readonly runner: OpenCaseRunner;
  readonly rounds: Round[];
}

async function runRow(
  row: Row,
  context: BenchContext,
  tell: (what: string) => void,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>(row.cases.map(({ id }) => [id, { absent: "not run" }]));
  const running: RunningCase[] = [];
  try {
    await openAll(row, context, tell, outcomes, running);
    for (let round = 1; round <= context.settings.rounds; round++) {
      for (const { id, runner, rounds } of running) {
        tell(`${row.id}: round ${round} of ${context.settings.rounds}, ${id}`);
        const result = await runner.round(round, context.signal);
        checkBytes(`${row.id}-${id}`, result);
        rounds.push(result);
      }
    }
    return outcomes;
  } finally {
    await Promise.all(running.map(({ runner }) => runner.close()));
  }
}

/** Opens the cases, some at a time: their warm-up is not measured. @throws the first failure, once none is being opened */
async function openAll(
  row: Row,
  context: BenchContext,
  tell: (what: string) => void,
  outcomes: Map<string, Outcome>,
  running: RunningCase[],
): Promise<void> {
  const waiting = [...row.cases];
  const work = async (): Promise<void> => {
    for (let spec = waiting.shift(); spec !== undefined; spec = waiting.shift()) {
      tell(`${row.id}: warming up ${spec.id}`);
      const opened = await spec.open(context, row, spec);
      const rounds: Round[] = [];
      outcomes.set(spec.id, "absent" in opened ? opened : rounds);
      if (!("absent" in opened)) running.push({ id: spec.id, runner: opened, rounds });
    }
  };
  const failed = (error: unknown): never => {
    waiting.length = 0;
    throw error;
  };
  const ends = await Promise.allSettled(Array.from({ length: OPENED_AT_ONCE }, () => work().catch(failed)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

function checkBytes(name: string, { hash, expectedHash }: Round): void {
  if (hash === expectedHash) return;
  throw new DidafsError(
    "ERR_CORRUPT",
    `case ${name} moved the wrong bytes, or left something else than it should: hash ${hash}, expected ${expectedHash}`,
  );
}
