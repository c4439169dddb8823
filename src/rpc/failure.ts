import * as v from "valibot";
import { codeOf, DidafsError, isDidafsError, statusOf } from "../std/errors.ts";
import { Failure } from "../wire/control-shapes.ts";

export interface FailedAnswer {
  readonly status: number;
  readonly payload: v.InferOutput<typeof Failure>;
  /** The error was not raised on purpose: a fault of ours, to be reported. */
  readonly isFault: boolean;
}

/**
 * Longest text of an error that travels. Errors quote what they are about, which may itself be as long as a message;
 * an answer must fit one. Every path that there can be is shorter.
 */
const TEXT_MAX = 8192;

function clipped<T extends string | undefined>(text: T): T | string {
  return text !== undefined && text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

/** The answer that tells the caller of `error`. Of a fault only the message travels, never the stack. */
export function failedAnswer(error: unknown): FailedAnswer {
  if (!isDidafsError(error)) {
    const message = clipped(`internal error: ${error instanceof Error ? error.message : String(error)}`);
    return { status: statusOf("ERR_INTERNAL"), payload: { message, applied: "unknown" }, isFault: true };
  }
  const { message, applied, path, target } = error;
  const payload = { message: clipped(message), applied, path: clipped(path), target: clipped(target) };
  return { status: statusOf(error.code), payload, isFault: false };
}

/** The error that an answer with a status other than 0 stands for; undefined when the payload has another shape. */
export function failureOf(status: number, payload: unknown): DidafsError | undefined {
  const parsed = v.safeParse(Failure, payload);
  if (!parsed.success) return undefined;
  const { message, applied, path, target } = parsed.output;
  return new DidafsError(codeOf(status), message, { applied: applied ?? "unknown", path, target });
}
