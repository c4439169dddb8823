import { getSystemErrorMessage } from "node:util";
import { type Applied, type ErrorAction, isDidafsError } from "../std/errors.ts";
import { exitRow } from "./exit-codes.ts";
import { printable } from "./printable.ts";

/** A failed command as it is told to a person or a program. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly next: string;
  readonly path?: string;
  /** Negative; missing where the error has none. */
  readonly errno?: number;
  readonly action?: ErrorAction;
  readonly applied?: Applied;
}

/** Puts whatever was thrown into words and a code. */
export function failureOf(error: unknown): Failure {
  const { code, message, ...details } = wordsOf(error);
  const { exit, next } = exitRow(code);
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  return { code, message, exitCode: exit, next, ...Object.fromEntries(known) };
}

/** A line about each thing that failed in `command`, and the lines that say what to do about it. */
export function failureText(command: string | undefined, failures: readonly Failure[]): string {
  const what = command === undefined ? "" : `${command}: `;
  const lines = failures.map(({ message, code }) => `didafs: ${what}${printable(message)} (${code})\n`);
  const advice = new Set(failures.map(({ next }) => next).filter((next) => next !== ""));
  return [...lines, ...[...advice].map((next) => `  ${aboutCommand(next, command)}\n`)].join("");
}

/** A line of JSON for each thing that failed. */
export function failureJson(command: string | undefined, failures: readonly Failure[]): string {
  const line = (failure: Failure): string => {
    const next = aboutCommand(failure.next, command);
    return `${JSON.stringify({ error: { command, ...failure, next } })}\n`;
  };
  return failures.map(line).join("");
}

/** The advice, about the command that was given; without one its help is the list of commands. */
function aboutCommand(next: string, command: string | undefined): string {
  return next.replace(" <command>", command === undefined ? "" : ` ${command}`);
}

/** The error, told to be about `label` (a file of several, say). */
export function labelled(label: string, error: unknown): Error {
  return new LabelledError(label, { cause: error });
}

class LabelledError extends Error {}

/** What failed of a command that went on after its first failure; that one gives the exit code. */
export class SeveralFailures extends Error {
  readonly failures: readonly unknown[];

  constructor(failures: readonly unknown[]) {
    super("several things failed");
    this.failures = [...failures];
  }
}

/** Notes what failed while a command goes on. @throws everything noted, when going on is pointless */
export function noteFailure(failures: unknown[], error: unknown): void {
  failures.push(error);
  if (endsEverything(error instanceof LabelledError ? error.cause : error))
    throw new SeveralFailures(failures);
}

/** Ends a command that went on after its first failure. */
export function throwNoted(failures: readonly unknown[]): void {
  if (failures.length > 0) throw new SeveralFailures(failures);
}

/** Does `body` with one item after the other. One that fails keeps none of the others from it. */
export async function forEach<T>(items: readonly T[], body: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await body(item);
    } catch (error) {
      noteFailure(failures, error);
    }
  }
  throwNoted(failures);
}

/** These are about one file, whatever a program that has it open should do. */
const ABOUT_ONE_FILE = ["ERR_SHARING_CONFLICT", "ERR_REVOKED", "ERR_DATA_LOST", "ERR_CORRUPT"] as const;

/** A full drive, a lost connection and the like would strike everything that follows. */
function endsEverything(error: unknown): boolean {
  if (isDidafsError(error, "ERR_NO_SPACE", "ERR_ABORTED")) return true;
  if (isDidafsError(error)) return error.action !== "report" && !isDidafsError(error, ...ABOUT_ONE_FILE);
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ABORT_ERR"].includes(code);
}

interface Words extends Pick<Failure, "code" | "message"> {
  readonly path?: string | undefined;
  readonly errno?: number;
  readonly action?: ErrorAction;
  readonly applied?: Applied;
}

function wordsOf(error: unknown): Words {
  if (error instanceof LabelledError) {
    const about = wordsOf(error.cause);
    // In the cluster the same path is written with a colon.
    const named = [error.message, error.message.replace(/^:/, "")].find((name) =>
      about.message.startsWith(`${name}: `),
    );
    const rest = named === undefined ? about.message : about.message.slice(named.length + 2);
    return { ...about, message: `${error.message}: ${rest}` };
  }
  if (isDidafsError(error)) {
    const { code, path, message, errno, action, applied } = error;
    const named = path === undefined || message.includes(path) ? message : `${path}: ${message}`;
    return { code, path, message: named, errno, action, applied };
  }
  if (!(error instanceof Error)) return { code: "ERR_INTERNAL", message: String(error) };
  const { code, errno, path } = error as NodeJS.ErrnoException;
  if (code === undefined || errno === undefined) return { code: "ERR_INTERNAL", message: error.message };
  const cause = getSystemErrorMessage(errno);
  return { code, path, errno, message: path === undefined ? cause : `${path}: ${cause}` };
}
