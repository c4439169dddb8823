import { conflict, type LockClaim, type LockRequest } from "./lock-request.ts";

/** The locks of one region: who holds, and who waits, in the order of asking. */
export class LockQueue<W> {
  readonly granted: LockRequest<W>[] = [];
  readonly waiting: LockRequest<W>[] = [];

  get size(): number {
    return this.granted.length + this.waiting.length;
  }

  /**
   * Nobody that cannot share with it holds, or asked before: so whoever comes later never overtakes one who waits.
   * @param position among those who wait; that of a new one is behind all
   */
  isFree(claim: LockClaim, position: number): boolean {
    for (const held of this.granted) if (conflict(held, claim)) return false;
    for (let i = 0; i < position; i += 1) {
      if (conflict(this.waiting[i] as LockRequest<W>, claim)) return false;
    }
    return true;
  }

  remove(request: LockRequest<W>): void {
    const list = request.granted ? this.granted : this.waiting;
    list.splice(list.indexOf(request), 1);
  }

  /** Calls `grant` for each that need wait no longer now that `gone`, or all, has gone. Granting one frees no other. */
  advance(gone: LockClaim | undefined, grant: (request: LockRequest<W>) => void): void {
    for (let i = 0; i < this.waiting.length; ) {
      const request = this.waiting[i] as LockRequest<W>;
      if ((gone === undefined || conflict(request, gone)) && this.isFree(request, i)) {
        this.waiting.splice(i, 1);
        this.granted.push(request);
        grant(request);
      } else i += 1;
    }
  }

  /**
   * Visits what is in the way of `request`, which waits: those who hold, and those who asked before. What has begun after
   * `sinceMs` is passed over, and what is its own owner's.
   * @param visit returns true to end @returns whether it ended so
   */
  someBlocker(
    request: LockRequest<W>,
    sinceMs: number,
    visit: (blocker: LockRequest<W>) => boolean,
  ): boolean {
    const isInTheWay = (other: LockRequest<W>): boolean =>
      other.sinceMs <= sinceMs && other.owner !== request.owner && conflict(other, request);
    for (const held of this.granted) if (isInTheWay(held) && visit(held)) return true;
    for (const earlier of this.waiting) {
      if (earlier === request) return false;
      if (isInTheWay(earlier) && visit(earlier)) return true;
    }
    return false;
  }

  /**
   * The owners who hold what must be released before `request`, which waits, is granted; of others, and not younger than
   * `sinceMs`. @returns them, and since when all of that has been so
   */
  holdersBefore(request: LockRequest<W>, sinceMs: number): { owners: Set<string>; allSinceMs: number } {
    const owners = new Set<string>();
    const waits = new Set([request]);
    let allSinceMs = request.sinceMs;
    for (const waiter of waits) {
      this.someBlocker(waiter, sinceMs, (blocker) => {
        allSinceMs = Math.max(allSinceMs, blocker.sinceMs);
        if (blocker.granted) owners.add(blocker.owner);
        else waits.add(blocker);
        return false;
      });
    }
    return { owners, allSinceMs };
  }
}
