import type { LockQueue } from "./lock-queue.ts";
import type { LockClaim, LockRequest } from "./lock-request.ts";

interface Found {
  /** Who waits in it, beginning with the one that was asked about. */
  readonly circle: readonly LockClaim[] | undefined;
  readonly costLeft: number;
}

/**
 * Looks whether `from` waits in a circle: for a request that waits too, or for an owner who waits, ... who waits for what the
 * owner of `from` holds. What has begun after `sinceMs` does not count, and an owner does not wait for itself, because
 * another of its tasks may let go.
 * @param waits of each owner
 * @param cost how many comparisons it may take; a circle that is not found for less is found later, or ends by deadlines
 */
export function findCircle<W>(
  from: LockRequest<W>,
  waits: ReadonlyMap<string, ReadonlySet<LockRequest<W>>>,
  queues: ReadonlyMap<string, LockQueue<W>>,
  sinceMs: number,
  cost: number,
): Found {
  /** Every wait that was reached, and from which one. */
  const reachedFrom = new Map<LockRequest<W>, LockRequest<W> | undefined>([[from, undefined]]);
  let costLeft = cost;
  for (const waiter of reachedFrom.keys()) {
    const queue = queues.get(waiter.region) as LockQueue<W>;
    costLeft -= queue.size;
    if (costLeft <= 0) break;
    const reach = (next: LockRequest<W>): void => {
      if (next.sinceMs <= sinceMs && !reachedFrom.has(next)) reachedFrom.set(next, waiter);
    };
    const closes = queue.someBlocker(waiter, sinceMs, (blocker) => {
      if (!blocker.granted) reach(blocker);
      else if (blocker.owner === from.owner) return true;
      else for (const next of waits.get(blocker.owner) ?? []) reach(next);
      return false;
    });
    if (closes) return { circle: pathTo(waiter, reachedFrom), costLeft };
  }
  return { circle: undefined, costLeft };
}

function pathTo<W>(
  last: LockRequest<W>,
  reachedFrom: ReadonlyMap<LockRequest<W>, LockRequest<W> | undefined>,
): LockClaim[] {
  const path: LockClaim[] = [];
  let request: LockRequest<W> | undefined = last;
  for (; request !== undefined; request = reachedFrom.get(request)) path.unshift(request);
  return path;
}
