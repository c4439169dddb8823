import { describe } from "../../../bench/report/table.ts";
import { QUICK_ROWS, ROWS } from "../../../bench/rows/rows.ts";
import { runBench } from "../../../bench/run-bench.ts";
import { DidafsError } from "../../std/errors.ts";
import { type Context, print, printJson, warn } from "../context.ts";

interface BenchOptions {
  readonly rows?: string;
  readonly quick?: boolean;
  /** Milliseconds that each case is measured, in all rounds together. */
  readonly seconds?: number;
}

const MEASURED_MS = 2_000;
const FULL = { rounds: 5, warmUpMs: 500 };
/** Small enough for tests: shows that everything works, not how fast it is. */
const QUICK = { rounds: 2, warmUpMs: 20, measuredMs: 20 };

export async function run(context: Context, _args: readonly string[], options: BenchOptions): Promise<void> {
  const { quick = false, seconds: measuredMs = quick ? QUICK.measuredMs : MEASURED_MS } = options;
  const { rounds, warmUpMs } = quick ? QUICK : FULL;
  const settings = { rounds, warmUpMs, roundMs: Math.max(1, Math.round(measuredMs / rounds)) };
  const watched = process.stderr.isTTY && context.global.json !== true;
  const report = await runBench(
    chosenRows(quick ? QUICK_ROWS : ROWS, options.rows),
    settings,
    context.signal,
    watched ? warn : undefined,
  );
  if (context.global.json) printJson(report);
  else print(describe(report));
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
