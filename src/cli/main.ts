import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { CommanderError } from "commander";
import { DidafsError } from "../std/errors.ts";
import { exitRow } from "./exit-codes.ts";
import { type Failure, failureJson, failureOf, failureText } from "./failure.ts";
import { makeProgram } from "./program.ts";

/** Longest time that an interrupted command gets to remove what is half-made. */
const CLEANUP_MS = 20_000;

const stop = new AbortController();
let stoppedBy: NodeJS.Signals | undefined;

/** The first signal asks the command to clean up and end; the second one, or a clean-up that hangs, ends it at once. */
function onSignal(signal: NodeJS.Signals): void {
  const exitCode = 128 + constants.signals[signal];
  if (stoppedBy !== undefined) process.exit(exitCode);
  stoppedBy = signal;
  setTimeout(() => process.exit(exitCode), CLEANUP_MS).unref();
  stop.abort(new DidafsError("ERR_ABORTED", "interrupted"));
}

function report(error: unknown, argv: readonly string[], commands: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const json = argv.includes("--json");
  const command = argv.find((argument) => commands.includes(argument));
  const failure = error instanceof CommanderError ? usageFailure(error) : failureOf(error);
  if (stoppedBy !== undefined) return 128 + constants.signals[stoppedBy];
  process.stderr.write(json ? failureJson(command, failure) : failureText(command, failure));
  if (process.env.DIDAFS_DEBUG) console.error(error);
  return failure.exitCode;
}

function usageFailure(error: CommanderError): Failure {
  const code = "ERR_INVALID_ARGUMENT";
  const { exit, next } = exitRow(code);
  // Without a command commander has already printed the help.
  const message =
    error.code === "commander.help" ? "no command was given" : error.message.replace(/^error: /, "");
  return { code, message, exitCode: exit, next };
}

async function main(argv: readonly string[]): Promise<number> {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const program = makeProgram(JSON.parse(manifest).version, stop.signal);
  try {
    await program.parseAsync(argv, { from: "user" });
    return stoppedBy === undefined ? 0 : 128 + constants.signals[stoppedBy];
  } catch (error) {
    const commands = program.commands.map((command) => command.name());
    return report(error, argv, commands);
  }
}

process.title = "didafs";
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => onSignal(signal));
// Whoever reads our output has had enough: a quiet end, as for `cat file | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const exitCode = await main(process.argv.slice(2));
// Output to a pipe is asynchronous, and exit() would cut it off.
await new Promise((resolve) => process.stdout.write("", resolve));
process.exit(exitCode);
