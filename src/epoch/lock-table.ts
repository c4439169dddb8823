import { LOCK_ACTION, LockActions } from "./lock-actions.ts";
import { findCircle } from "./lock-circle.ts";
import { LockQueue } from "./lock-queue.ts";
import type { LockClaim, LockRequest, LockWait } from "./lock-request.ts";

/** Requests of one session that may wait at a time. */
export const SESSION_WAITS_MAX = 128;
/** Requests of all sessions that may wait at a time: what one event can lead to is bounded by it. */
const WAITS_MAX = 4096;
/** Locks that one session may hold, and requests that one region may have: each is compared with each new one. */
export const SESSION_LOCKS_MAX = 4096;
export const REGION_REQUESTS_MAX = 8192;
/** Requests of all sessions together, those that have ended and hold still included. */
const REQUESTS_MAX = 65_536;
/**
 * Who has waited so long is looked at for a circle, and then after twice as long each time up to the most. Only what has
 * lasted so long counts as part of one: an origin's tasks share its locks' owner, so it may wait and still let go.
 */
export const CHECK_MS = 250;
const CHECK_MS_MAX = 2000;
/** Comparisons that looking for circles may cost at a time, and how long after that it goes on. */
const CHECK_COST_MAX = 100_000;
const CHECK_AGAIN_MS = 20;
/** Waits that are told about, when somebody looks for a circle over several tables. */
const WAITS_TOLD_MAX = 512;
const HOLDERS_TOLD_MAX = 8;

/**
 * The locks of all regions of one home: who holds, who waits, and who has waited too long. A pure state machine: its
 * methods are the events, each with the time; what comes of one is in `actions`, which its caller carries out and clears.
 *
 * Order of asking decides: whoever cannot share with an earlier request waits behind it, so nobody starves. Every
 * request counts by itself, also those of one session: it is a mutex between an origin's own tasks too.
 */
export class LockTable<W> {
  readonly actions: LockActions<W> = new LockActions<W>(WAITS_MAX + 1);
  /** Requests that hold, and that wait. */
  heldCount = 0;
  waitingCount = 0;
  readonly #queues = new Map<string, LockQueue<W>>();
  readonly #sessions = new Map<number, Map<number, LockRequest<W>>>();
  /** In the order of asking. */
  readonly #waits = new Map<string, Set<LockRequest<W>>>();
  /** Until then nothing is granted: an earlier life may have, and its leases last. */
  #opensMs = 0;
  #isOpen = true;
  /** No wait ends, and none is to be looked at, before. */
  #dueMs = Number.POSITIVE_INFINITY;

  /** When `expire` is to be called though nothing happened. */
  get dueMs(): number {
    return this.#isOpen ? this.#dueMs : Math.min(this.#dueMs, this.#opensMs);
  }

  /** Grants nothing before `untilMs`. To be called before the first request. */
  holdBack(untilMs: number): void {
    this.#opensMs = untilMs;
    this.#isOpen = false;
  }

  /** @param waitMs how long it may wait; 0: not at all */
  request(claim: LockClaim, waitMs: number, waiter: W, nowMs: number): void {
    this.#openWhenTime(nowMs);
    const requests = this.#sessions.get(claim.session) ?? new Map<number, LockRequest<W>>();
    const queue = this.#queues.get(claim.region) ?? new LockQueue<W>();
    const granted = this.#isOpen && queue.isFree(claim, queue.waiting.length);
    const refusal = this.#refusal(requests, queue, claim.id, granted || waitMs > 0, granted);
    if (refusal !== undefined) {
      this.actions.push(refusal, waiter);
      return;
    }
    const request: LockRequest<W> = {
      ...claim,
      waiter,
      granted,
      sinceMs: nowMs,
      deadlineMs: nowMs + waitMs,
      checkMs: nowMs + CHECK_MS,
      checkAfterMs: CHECK_MS,
    };
    this.#sessions.set(claim.session, requests.set(claim.id, request));
    this.#queues.set(claim.region, queue);
    if (granted) {
      queue.granted.push(request);
      this.#holds(request);
    } else {
      queue.waiting.push(request);
      this.#waitsOf(claim.owner).add(request);
      this.waitingCount += 1;
      this.#dueMs = Math.min(this.#dueMs, request.deadlineMs, request.checkMs);
    }
  }

  #refusal(
    requests: ReadonlyMap<number, LockRequest<W>>,
    queue: LockQueue<W>,
    id: number,
    mayWait: boolean,
    granted: boolean,
  ): number | undefined {
    if (requests.has(id)) return LOCK_ACTION.REPEATED;
    if (requests.size >= SESSION_LOCKS_MAX || queue.size >= REGION_REQUESTS_MAX) return LOCK_ACTION.REFUSED;
    if (this.heldCount + this.waitingCount >= REQUESTS_MAX) return LOCK_ACTION.REFUSED;
    if (!mayWait) return LOCK_ACTION.BUSY;
    if (granted) return undefined;
    let waits = 0;
    for (const { granted: holds } of requests.values()) waits += holds ? 0 : 1;
    const isFull = waits >= SESSION_WAITS_MAX || this.waitingCount >= WAITS_MAX;
    return isFull ? LOCK_ACTION.REFUSED : undefined;
  }

  /** Ends a request, whatever became of it. @returns whether there was one */
  release(session: number, id: number, nowMs: number): boolean {
    const request = this.#sessions.get(session)?.get(id);
    if (request === undefined) return false;
    this.#takeBack([request], nowMs);
    return true;
  }

  /** The session's window has gone: its requests end. @param keepsHeld what it holds stays, and ends otherwise */
  closeHandle(session: number, handle: number, keepsHeld: boolean, nowMs: number): void {
    const isOver = (request: LockRequest<W>): boolean =>
      request.handle === handle && !(keepsHeld && request.granted);
    this.#takeBack(this.#requestsOf(session).filter(isOver), nowMs);
  }

  /** The session waits for nothing any more. What it holds stays: its lease may last. @returns how many locks that is */
  endWaits(session: number, nowMs: number): number {
    const requests = this.#requestsOf(session);
    const waits = requests.filter(({ granted }) => !granted);
    this.#takeBack(waits, nowMs);
    return requests.length - waits.length;
  }

  /** The session holds nothing any more, but what lies on the regions of `kept`. */
  forget(session: number, kept: ReadonlySet<string>, nowMs: number): void {
    this.#takeBack(
      this.#requestsOf(session).filter(({ region }) => !kept.has(region)),
      nowMs,
    );
  }

  /** Ends the waits whose time has come, and one of each circle of waits. */
  expire(nowMs: number): void {
    this.#openWhenTime(nowMs);
    if (nowMs < this.#dueMs) return;
    let cost = CHECK_COST_MAX;
    let isSuspected = false;
    for (const waits of [...this.#waits.values()]) {
      for (const request of [...waits]) {
        if (request.granted) continue;
        if (nowMs >= request.deadlineMs) {
          this.actions.push(LOCK_ACTION.TIMED_OUT, request.waiter);
          this.#end(request, nowMs);
        } else if (this.#isOpen && nowMs >= request.checkMs && cost > 0) {
          const found = findCircle(request, this.#waits, this.#queues, nowMs - CHECK_MS, cost);
          cost = found.costLeft;
          if (found.circle === undefined) isSuspected = true;
          else this.#sacrifice(request, found.circle, nowMs);
          request.checkAfterMs = Math.min(request.checkAfterMs * 2, CHECK_MS_MAX);
          request.checkMs = nowMs + request.checkAfterMs;
        }
      }
    }
    if (isSuspected) this.actions.push(LOCK_ACTION.SUSPECTED, undefined);
    this.#settleDue(nowMs);
  }

  /** Ends a wait as the victim of a circle that goes over several tables, if it still waits. @returns whether it did */
  abort(session: number, id: number, cycle: readonly LockClaim[], nowMs: number): boolean {
    const request = this.#sessions.get(session)?.get(id);
    if (request === undefined || request.granted) return false;
    this.#sacrifice(request, cycle, nowMs);
    return true;
  }

  /** Waits that have lasted for CHECK_MS at least, for what others have held as long. */
  waits(nowMs: number): LockWait[] {
    const told: LockWait[] = [];
    const sinceMs = nowMs - CHECK_MS;
    for (const waits of this.#waits.values()) {
      for (const waiter of waits) {
        if (!this.#isOpen || waiter.sinceMs > sinceMs) continue;
        const queue = this.#queues.get(waiter.region) as LockQueue<W>;
        const { owners, allSinceMs } = queue.holdersBefore(waiter, sinceMs);
        if (owners.size === 0) continue;
        const [waitedMs, lastedMs] = [nowMs - waiter.sinceMs, nowMs - allSinceMs];
        told.push({ waiter, waitedMs, lastedMs, holders: [...owners].slice(0, HOLDERS_TOLD_MAX) });
        if (told.length >= WAITS_TOLD_MAX) return told;
      }
    }
    return told;
  }

  #sacrifice(request: LockRequest<W>, circle: readonly LockClaim[], nowMs: number): void {
    this.actions.push(LOCK_ACTION.DEADLOCKED, request.waiter, circle);
    this.#end(request, nowMs);
  }

  #openWhenTime(nowMs: number): void {
    if (this.#isOpen || nowMs < this.#opensMs) return;
    this.#isOpen = true;
    for (const queue of this.#queues.values()) this.#advance(queue, undefined, nowMs);
  }

  #requestsOf(session: number): LockRequest<W>[] {
    return [...(this.#sessions.get(session)?.values() ?? [])];
  }

  /** All of them first: none may be granted in the place of another. */
  #takeBack(requests: readonly LockRequest<W>[], nowMs: number): void {
    for (const request of requests) {
      if (!request.granted) this.actions.push(LOCK_ACTION.CANCELLED, request.waiter);
      this.#remove(request);
    }
    for (const request of requests) this.#letNext(request, nowMs);
  }

  #end(request: LockRequest<W>, nowMs: number): void {
    this.#remove(request);
    this.#letNext(request, nowMs);
  }

  #remove(request: LockRequest<W>): void {
    this.#queues.get(request.region)?.remove(request);
    const requests = this.#sessions.get(request.session) as Map<number, LockRequest<W>>;
    requests.delete(request.id);
    if (requests.size === 0) this.#sessions.delete(request.session);
    if (request.granted) this.heldCount -= 1;
    else this.#waitsNoMore(request);
  }

  /** Grants what `gone` was in the way of. */
  #letNext(gone: LockRequest<W>, nowMs: number): void {
    const queue = this.#queues.get(gone.region);
    if (queue === undefined) return;
    if (this.#isOpen) this.#advance(queue, gone, nowMs);
    if (queue.size === 0) this.#queues.delete(gone.region);
  }

  #advance(queue: LockQueue<W>, gone: LockClaim | undefined, nowMs: number): void {
    queue.advance(gone, (request) => {
      this.#waitsNoMore(request);
      request.sinceMs = nowMs;
      this.#holds(request);
    });
  }

  #holds(request: LockRequest<W>): void {
    request.granted = true;
    this.heldCount += 1;
    this.actions.push(LOCK_ACTION.GRANTED, request.waiter);
  }

  #waitsOf(owner: string): Set<LockRequest<W>> {
    let waits = this.#waits.get(owner);
    if (waits === undefined) {
      waits = new Set();
      this.#waits.set(owner, waits);
    }
    return waits;
  }

  #waitsNoMore(request: LockRequest<W>): void {
    this.waitingCount -= 1;
    const waits = this.#waits.get(request.owner) as Set<LockRequest<W>>;
    waits.delete(request);
    if (waits.size === 0) this.#waits.delete(request.owner);
  }

  #settleDue(nowMs: number): void {
    // Before it is open nobody is looked at.
    const checksFromMs = this.#isOpen ? 0 : this.#opensMs;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const waits of this.#waits.values()) {
      for (const { deadlineMs, checkMs } of waits)
        dueMs = Math.min(dueMs, deadlineMs, Math.max(checkMs, checksFromMs));
    }
    // Some were not looked at for what it would have cost; nor is all the time there is to be spent on that.
    this.#dueMs = dueMs <= nowMs ? nowMs + CHECK_AGAIN_MS : dueMs;
  }
}
