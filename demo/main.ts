import { parseArgs } from "node:util";
import { runDemo } from "./demo.ts";
import { Mismatch } from "./mismatch.ts";
import { Output } from "./output.ts";

const HELP = `npm run demo [-- DIR]

Starts a cluster of three targets with fresh data in a temporary directory, takes in the files of DIR (default: the
installed npm packages and the data sets of vega-datasets), reads them back from other processes by both paths, counts
words in a shared window, kills targets under a writer, and compares everything. Takes the cluster down again.

Exit code: 0 every comparison held; 1 one did not; 2 the demo could not be carried out; 130 interrupted.`;

const EXIT_MISMATCH = 1;
const EXIT_FAILED = 2;
const EXIT_INTERRUPTED = 130;

/** @returns the directory to take in; undefined for the default */
function readCommandLine(): string | undefined {
  const { values, positionals } = parseArgs({
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (positionals.length > 1) throw new Error(`one directory at most, not ${positionals.length}`);
  return positionals[0];
}

const output = new Output();
const interrupt = new AbortController();
const interrupted = new Error("interrupted");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) output.now("interrupted: taking everything down");
    interrupt.abort(interrupted);
  });
}

try {
  await runDemo(readCommandLine(), output, interrupt.signal);
} catch (error) {
  output.clear();
  const stopped = interrupt.signal.aborted;
  process.exitCode = stopped ? EXIT_INTERRUPTED : error instanceof Mismatch ? EXIT_MISMATCH : EXIT_FAILED;
  const what = stopped
    ? "interrupted"
    : error instanceof Mismatch
      ? "A comparison did not hold"
      : "The demo failed";
  console.error(
    stopped ? `demo: ${what}; everything is taken down` : `\n${what}: ${(error as Error).message}`,
  );
}
output.clear();
