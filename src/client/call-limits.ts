import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/access.ts";
import type { CallOptions } from "./api.ts";

/** How long a call may take where nobody said otherwise. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Twelve days; a timer holds twice that, and callers add a little. */
const MAX_TIMEOUT_MS = 2 ** 30;

/** @throws ERR_INVALID_ARGUMENT for a timeout that is no positive number */
export function callLimits(options: CallOptions | undefined, defaultTimeoutMs: number): CallLimits {
  const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
  if (!(timeoutMs > 0)) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `timeoutMs is a positive number of milliseconds, not ${timeoutMs}`,
    );
  }
  return { timeoutMs: Math.min(timeoutMs, MAX_TIMEOUT_MS), signal: options?.signal };
}

/** @throws ERR_INVALID_ARGUMENT for an option that has none of its values */
export function checkOneOf(what: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new DidafsError("ERR_INVALID_ARGUMENT", `${what} is ${known.join(" or ")}, not ${value}`);
}
