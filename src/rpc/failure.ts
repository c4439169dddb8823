import * as v from "valibot";
import { codeOf, DidafsError, isDidafsError, statusOf } from "../std/errors.ts";
import { Failure } from "../wire/control.ts";

export interface FailedAnswer {
  readonly status: number;
  readonly payload: v.InferOutput<typeof Failure>;
  /** The error was not raised on purpose: a fault of ours, to be reported. */
  readonly isFault: boolean;
}

/** The answer that tells the caller of `error`. Of a fault only the message travels, never the stack. */
export function failedAnswer(error: unknown): FailedAnswer {
  if (!isDidafsError(error)) {
    const message = `internal error: ${error instanceof Error ? error.message : String(error)}`;
    return { status: statusOf("ERR_INTERNAL"), payload: { message, applied: "unknown" }, isFault: true };
  }
  const { message, applied, path, target } = error;
  return { status: statusOf(error.code), payload: { message, applied, path, target }, isFault: false };
}

/** The error that an answer with a status other than 0 stands for; undefined when the payload has another shape. */
export function failureOf(status: number, payload: unknown): DidafsError | undefined {
  const parsed = v.safeParse(Failure, payload);
  if (!parsed.success) return undefined;
  const { message, applied, path, target } = parsed.output;
  return new DidafsError(codeOf(status), message, { applied: applied ?? "unknown", path, target });
}
