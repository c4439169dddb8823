import { readFileSync, writeFileSync } from "node:fs";
import { plot } from "../../../bench/plot/plot.ts";
import type { BenchReport } from "../../../bench/report/report.ts";
import { describe } from "../../../bench/report/table.ts";
import { QUICK_ROWS, ROWS } from "../../../bench/rows/rows.ts";
import { runBench } from "../../../bench/run-bench.ts";
import { DidafsError } from "../../std/errors.ts";
import { type Context, print, printJson, warn } from "../context.ts";

interface BenchOptions {
  readonly rows?: string;
  readonly quick?: boolean;
  /** File to draw the report into. */
  readonly plot?: string;
  /** File that holds a report. */
  readonly from?: string;
  /** Milliseconds that each case is measured, in all rounds together. */
  readonly seconds?: number;
}

const MEASURED_MS = 2_000;
const FULL = { rounds: 5, warmUpMs: 500 };
/** Small enough for tests: shows that everything works, not how fast it is. */
const QUICK = { rounds: 2, warmUpMs: 20, measuredMs: 20 };

export async function run(context: Context, _args: readonly string[], options: BenchOptions): Promise<void> {
  const report = options.from === undefined ? await measure(context, options) : readReport(options.from);
  if (context.global.json) printJson(report);
  else print(describe(report));
  // Behind it, so that a file that cannot be written costs nobody what was measured.
  if (options.plot !== undefined) writeFileSync(options.plot, plot(report));
}

async function measure(context: Context, options: BenchOptions): Promise<BenchReport> {
  const { quick = false, seconds: measuredMs = quick ? QUICK.measuredMs : MEASURED_MS } = options;
  const { rounds, warmUpMs } = quick ? QUICK : FULL;
  const { timeout: spareMs } = context.global;
  const settings = {
    rounds,
    warmUpMs,
    roundMs: Math.max(1, Math.round(measuredMs / rounds)),
    ...(spareMs !== undefined && { spareMs }),
  };
  const watched = process.stderr.isTTY && context.global.json !== true;
  return await runBench(
    chosenRows(quick ? QUICK_ROWS : ROWS, options.rows),
    settings,
    context.signal,
    watched ? warn : undefined,
  );
}

/** @throws ERR_INVALID_ARGUMENT when the file holds something else; what reading it throws */
function readReport(file: string): BenchReport {
  const text = readFileSync(file, "utf8");
  try {
    const report = JSON.parse(text) as BenchReport;
    // Whoever made it to look like one gets what it says; what is missing is noticed here.
    describe(report);
    return report;
  } catch (cause) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `${file} holds no report of didafs bench --json`, {
      cause,
    });
  }
}

function chosenRows(rows: typeof ROWS, names: string | undefined): typeof ROWS {
  if (names === undefined) return rows;
  return names.split(",").map((name) => {
    const row = rows.find(({ id }) => id.toLowerCase() === name.trim().toLowerCase());
    if (row !== undefined) return row;
    const known = rows.map(({ id }) => id).join(", ");
    throw new DidafsError("ERR_INVALID_ARGUMENT", `no row is called ${name.trim()}; there are ${known}`);
  });
}
