/** Who asks for a lock, and where. */
export interface LockClaim {
  readonly session: number;
  /** Whom the session belongs to; the same for all its sessions, at every target. */
  readonly owner: string;
  /** Of the request, among those of its session. */
  readonly id: number;
  /** The session's window that it was asked through. */
  readonly handle: number;
  readonly region: string;
  /** The first byte, and the first behind the range. */
  readonly at: number;
  readonly end: number;
  readonly exclusive: boolean;
}

/** A claim that was made, until it is answered with a refusal or the lock is released. */
export interface LockRequest<W> extends LockClaim {
  /** Whoever hears of it. */
  readonly waiter: W;
  granted: boolean;
  /** Since when it waits, or holds. */
  sinceMs: number;
  /** When it stops waiting. */
  readonly deadlineMs: number;
  /** When it is looked at next, whether it waits in a circle. */
  checkMs: number;
  checkAfterMs: number;
}

/** True where the two cannot be held at the same time. */
export function conflict(one: LockClaim, other: LockClaim): boolean {
  return one.at < other.end && other.at < one.end && (one.exclusive || other.exclusive);
}

/** A request that waits, and the owners who hold what it waits for. */
export interface LockWait {
  readonly waiter: LockClaim;
  readonly waitedMs: number;
  /** For how long all of this has been so. */
  readonly lastedMs: number;
  readonly holders: readonly string[];
}
