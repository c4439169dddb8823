import { type Applied, DidafsError } from "../std/errors.ts";

/** How long a call may take, and what takes it back. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export function timeoutError(timeoutMs: number, applied: Applied): DidafsError {
  return new DidafsError("ERR_TIMEOUT", `the target did not answer within ${timeoutMs} ms`, { applied });
}

export function abortError(signal: AbortSignal, applied: Applied): DidafsError {
  return new DidafsError("ERR_ABORTED", "the call was aborted by its signal", {
    applied,
    cause: signal.reason,
  });
}
