import type { Operation } from "../history.ts";

/**
 * Access that was taken back is gone: once a revocation has returned, no window that was opened before it began gives or
 * takes anything any more.
 *
 * Does not verify: accesses that were under way while it returned; mapped bytes of processes that were stopped meanwhile,
 * which may be reached for a moment when they go on; that what is opened anew works (progress does).
 */
export interface Access {
  readonly window: string;
  /** When the window was there. */
  readonly opened: number;
  /** The window's process was stopped between its opening and this access, and reaches bytes without a target. */
  readonly excused: boolean;
}

export type AccessOperation = Operation<Access, null>;
export type RevokeOperation = Operation<{ readonly path: string }, null>;

/** @param revocations and accesses of one file @returns what is wrong, if anything */
export function checkRevocations(
  revocations: readonly RevokeOperation[],
  accesses: readonly AccessOperation[],
): string | undefined {
  for (const revoke of revocations) {
    if (revoke.outcome !== "done") continue;
    const late = accesses.find(
      ({ input, outcome, invoked }) =>
        outcome === "done" && !input.excused && input.opened < revoke.invoked && invoked > revoke.returned,
    );
    if (late === undefined) continue;
    return `${late.client} reached ${revoke.input.path} by window ${late.input.window}, which was opened at ${late.input.opened}, at ${late.invoked}: access was taken back from ${revoke.invoked} to ${revoke.returned}`;
  }
  return undefined;
}
