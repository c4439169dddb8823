import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { LEASE_GRACE, LEASE_MS_MAX, TARGET_LEASE_MS } from "../wire/leases.ts";
import type { CallOptions } from "./api.ts";

/** How long a call may take where nobody said otherwise. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Revoking outlasts every holder that does not answer: the longest lease, with its grace, behind that of a target that is out
 * of reach, and what the services need besides. They give up a little earlier themselves, with an error that says more.
 */
export const REVOKE_TIMEOUT_MS: number = (TARGET_LEASE_MS + LEASE_MS_MAX) * LEASE_GRACE + 10_000;

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

/** What a call ends with that its signal has ended. */
export function abortError(signal: AbortSignal): DidafsError {
  return new DidafsError("ERR_ABORTED", "the call was aborted by its signal", { cause: signal.reason });
}

/** Calls `listener` once `signal` is aborted, at once where it is already. @returns stops listening */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: (signal: AbortSignal) => void,
): () => void {
  if (signal === undefined) return () => {};
  const heard = (): void => listener(signal);
  if (signal.aborted) heard();
  else signal.addEventListener("abort", heard, { once: true });
  return () => signal.removeEventListener("abort", heard);
}
