import type { Clock } from "../ports/clock.ts";
import { isDidafsError } from "../std/errors.ts";
import type { Limits } from "./control-channels.ts";

/**
 * Waits for what another call is opening. When that call's signal or deadline ended it, which says nothing about the
 * peer, `open` begins again with what this call has left of its own time.
 */
export async function joinOpening<T>(
  opening: Promise<T>,
  limits: Limits,
  clock: Clock,
  open: (limits: Limits) => Promise<T>,
): Promise<T> {
  const deadlineMs = clock.nowMs() + limits.timeoutMs;
  try {
    return await opening;
  } catch (error) {
    const timeoutMs = deadlineMs - clock.nowMs();
    if (timeoutMs <= 0 || limits.signal.aborted || !isDidafsError(error, "ERR_ABORTED", "ERR_TIMEOUT")) {
      throw error;
    }
    return open({ ...limits, timeoutMs });
  }
}
