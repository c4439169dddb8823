import { partlyApplied } from "../std/errors.ts";

/**
 * Waits for all, so that no buffer is in use any more.
 * @throws the first error; where others were done, or may have been, it says so
 */
export async function settleAll(running: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  const [first] = failed;
  if (first === undefined) return;
  const nothingApplied =
    failed.length === outcomes.length && failed.every(({ reason }) => reason.applied === "no");
  throw nothingApplied ? first.reason : partlyApplied(first.reason);
}
