import { getSystemErrorMessage } from "node:util";
import { isDidafsError } from "../std/errors.ts";
import { exitRow } from "./exit-codes.ts";
import { printable } from "./printable.ts";

/** A failed command as it is told to a person or a program. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly next: string;
  readonly path?: string;
}

/** Puts whatever was thrown into words and a code. */
export function failureOf(error: unknown): Failure {
  const { code, message, path } = wordsOf(error);
  const { exit, next } = exitRow(code);
  return { code, message, exitCode: exit, next, ...(path === undefined ? {} : { path }) };
}

/** The line about what failed in `command`, and the line that says what to do about it. */
export function failureText(command: string | undefined, { message, code, next }: Failure): string {
  const what = command === undefined ? "" : `${command}: `;
  const line = `didafs: ${what}${printable(message)} (${code})\n`;
  return next === "" ? line : `${line}  ${aboutCommand(next, command)}\n`;
}

export function failureJson(command: string | undefined, failure: Failure): string {
  const next = aboutCommand(failure.next, command);
  return `${JSON.stringify({ error: { command, ...failure, next } })}\n`;
}

function aboutCommand(next: string, command = "<command>"): string {
  return next.replace("<command>", command);
}

/** The error, told to be about `label` (a file of several, say). */
export function labelled(label: string, error: unknown): Error {
  return new LabelledError(label, { cause: error });
}

class LabelledError extends Error {}

function wordsOf(error: unknown): { code: string; message: string; path?: string | undefined } {
  if (error instanceof LabelledError) {
    const about = wordsOf(error.cause);
    return {
      ...about,
      message: about.message.startsWith(`${error.message}: `)
        ? about.message
        : `${error.message}: ${about.message}`,
    };
  }
  if (isDidafsError(error)) {
    const { code, path, message } = error;
    const named = path === undefined || message.includes(path) ? message : `${path}: ${message}`;
    return { code, path, message: named };
  }
  if (!(error instanceof Error)) return { code: "ERR_INTERNAL", message: String(error) };
  const { code, errno, path } = error as NodeJS.ErrnoException;
  if (code === undefined || errno === undefined) return { code: "ERR_INTERNAL", message: error.message };
  const cause = getSystemErrorMessage(errno);
  return { code, path, message: path === undefined ? cause : `${path}: ${cause}` };
}
