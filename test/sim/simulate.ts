// Runs whole clusters in simulation: `npm run simulate -- [--seeds N] [--seed S] [--minutes M] [--focus F] [--trace]`. docs/simulation.md
// says how to replay a seed and how to read its trace.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { describeFailure, describeSummary, runSeeds } from "../../src/sim/run/campaign.ts";
import { FOCUSES, type Focus } from "../../src/sim/run/options.ts";
import { turn } from "./turn.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    focus: { type: "string", default: "everything" },
    trace: { type: "boolean", default: false },
  },
});

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= least) return number;
  console.error(`simulate: --${name} is a number from ${least} on, not ${text}`);
  process.exit(2);
}

const first = values.seed === undefined ? randomInt(2 ** 31) : numberOf("seed", values.seed, 0);
const endless = values.seeds === undefined && values.minutes !== undefined;
const count = endless ? Number.POSITIVE_INFINITY : numberOf("seeds", values.seeds ?? "100", 1);
const minutes =
  values.minutes === undefined ? Number.POSITIVE_INFINITY : numberOf("minutes", values.minutes, 0);
const untilMs = performance.now() + minutes * 60_000;

if (!FOCUSES.includes(values.focus as Focus)) {
  console.error(`simulate: --focus is ${FOCUSES.join(", ")}, not ${values.focus}`);
  process.exit(2);
}

let interrupted = false;
process.once("SIGINT", () => {
  interrupted = true;
});
// Nothing that a process of the cluster forgot to catch may pass as silence.
process.on("unhandledRejection", (error) => {
  console.error("simulate: a promise was rejected, and nobody looked:", error);
  process.exitCode = 1;
});

const startedMs = performance.now();
let saidMs = startedMs;
console.log(`simulate: seeds from ${first} on`);
const summary = await runSeeds(first, count, {
  turn,
  focus: values.focus as Focus,
  stopping: () => interrupted || performance.now() > untilMs,
  announce: (options) => {
    if (count === 1) console.log(JSON.stringify(options, undefined, 2));
  },
  print: values.trace ? (line) => console.log(line) : undefined,
  ended: (result) => {
    if (result.fault !== undefined) console.log(describeFailure(result));
    if (performance.now() - saidMs < 5000 || values.trace) return;
    saidMs = performance.now();
    console.log(`  … seed ${result.options.seed}, ${((saidMs - startedMs) / 1000).toFixed(0)} s`);
  },
});
console.log(`simulate: ${describeSummary(summary)}, ${summary.failures.length} seeds failed`);
if (summary.failures.length > 0) process.exitCode = 1;
