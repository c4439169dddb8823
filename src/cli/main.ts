import { constants } from "node:os";
import { CommanderError } from "commander";
import { packageVersion } from "../runtime/package.ts";
import { DidafsError } from "../std/errors.ts";
import { textArguments } from "./arguments.ts";
import { exitRow } from "./exit-codes.ts";
import { type Failure, failureJson, failureOf, failureText, labelled, SeveralFailures } from "./failure.ts";
import { makeProgram } from "./program.ts";

/** Longest time that an interrupted command gets to remove what is half-made. */
const CLEANUP_MS = 20_000;

const argv = textArguments(process.argv.slice(2));
const stop = new AbortController();
const program = makeProgram(packageVersion(), stop.signal);
let stoppedBy: NodeJS.Signals | undefined;

/** The first signal asks the command to clean up and end; the second one, or a clean-up that hangs, ends it at once. */
function onSignal(signal: NodeJS.Signals): void {
  const exitCode = 128 + constants.signals[signal];
  if (stoppedBy !== undefined) process.exit(exitCode);
  stoppedBy = signal;
  setTimeout(() => process.exit(exitCode), CLEANUP_MS).unref();
  stop.abort(new DidafsError("ERR_ABORTED", "interrupted"));
}

/** Tells what failed. @returns the exit code */
function report(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const json = argv.includes("--json");
  const commands = program.commands.map((command) => command.name());
  const command = argv.find((argument) => commands.includes(argument));
  const errors = error instanceof SeveralFailures ? error.failures : [error];
  const failures = errors.map((one) => (one instanceof CommanderError ? usageFailure(one) : failureOf(one)));
  if (stoppedBy !== undefined) return 128 + constants.signals[stoppedBy];
  process.stderr.write(json ? failureJson(command, failures) : failureText(command, failures));
  if (process.env.DIDAFS_DEBUG) for (const one of errors) console.error(one);
  return (failures[0] as Failure).exitCode;
}

function usageFailure(error: CommanderError): Failure {
  const code = "ERR_INVALID_ARGUMENT";
  const { exit, next } = exitRow(code);
  return { code, message: usageMessage(error), exitCode: exit, next };
}

function usageMessage(error: CommanderError): string {
  // Commander has printed the help; `help` with a name that it does not know ends in the same way.
  if (error.code === "commander.help") {
    const name = argv[0] === "help" ? argv[1] : undefined;
    return name === undefined ? "no command was given" : `there is no command ${JSON.stringify(name)}`;
  }
  // A suggestion stands in a line of its own.
  return error.message.replace(/^error: /, "").replace(/\n\(Did you mean (.*)\?\)$/, "; did you mean $1?");
}

async function main(): Promise<number> {
  try {
    await program.parseAsync(argv, { from: "user" });
    // Also after a signal: a command that was interrupted fails, and one that serves until then has done its work.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

process.title = "didafs";
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => onSignal(signal));
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads our output has had enough: a quiet end, as of a `cat` that SIGPIPE ends. Node ignores that signal.
  const isUnread = error.code === "EPIPE";
  process.exit(isUnread ? 128 + constants.signals.SIGPIPE : report(labelled("standard output", error)));
});
// Nobody can be told; the exit code still says how it ended.
process.stderr.on("error", () => {});

const exitCode = await main();
// Output to a pipe is asynchronous, and exit() would cut it off.
await new Promise((resolve) => process.stdout.write("", resolve));
process.exit(exitCode);
