import { LOCK_ACTION } from "../epoch/lock-actions.ts";
import type { LockClaim } from "../epoch/lock-request.ts";
import { LockTable } from "../epoch/lock-table.ts";
import type { Clock } from "../ports/clock.ts";
import { OPCODE, valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import { COUNTER } from "./counters.ts";
import type { LockDescription, LongWait, ToWorker } from "./messages.ts";
import { ABORTED, DEADLOCK, INVALID_ARGUMENT, OK, REVOKED, TIMEOUT, TOO_MANY, UNBOUND } from "./statuses.ts";
import type { WaitingCommand, WaitingCommands } from "./waiting-commands.ts";
import type { WorkerSession } from "./worker-session.ts";

/** Twelve days: nothing waits for ever. */
const WAIT_MS_MAX = 2 ** 30;

/** What WorkerLocks tells the worker. */
export interface LockEvents {
  /** There may be a circle over several homes. */
  suspected(): void;
  /** Comes before the answer that says so. */
  deadlock(session: number, cycle: readonly LockDescription[]): void;
}

/** Who asked for a lock. */
interface Asker {
  /** Until it is answered: a lock outlasts its command, and must not keep it. */
  command: WaitingCommand | undefined;
  readonly session: number;
}

/** The locks of the regions that are at home at this worker: commands and orders become events of the lock table. */
export class WorkerLocks {
  readonly #table = new LockTable<Asker>();
  readonly #counters: Float64Array;
  readonly #clock: Clock;
  readonly #waiting: WaitingCommands;
  readonly #events: LockEvents;

  constructor(counters: Float64Array, clock: Clock, waiting: WaitingCommands, events: LockEvents) {
    this.#counters = counters;
    this.#clock = clock;
    this.#waiting = waiting;
    this.#events = events;
  }

  /** Carries out a LOCK on a connection that has room for the answer. */
  lock(
    connection: Connection,
    session: WorkerSession,
    claim: Omit<LockClaim, "session" | "owner">,
    waitMs: number,
    tag: number,
  ): void {
    const { number, owner } = session;
    const command = this.#waiting.expect(connection, number, OPCODE.LOCK, tag);
    const whole = { ...claim, session: number, owner };
    const asker: Asker = { command, session: number };
    this.#table.request(whole, Math.min(waitMs, WAIT_MS_MAX), asker, this.#clock.nowMs());
    this.#carryOut();
  }

  /** Carries out an UNLOCK on a connection that has room for the answer: that one comes before all that it leads to. */
  unlock(connection: Connection, session: WorkerSession, id: number, tag: number): void {
    const found = this.#table.release(session.number, id, this.#clock.nowMs());
    const at = connection.answer(OPCODE.UNLOCK, tag, OK, 0);
    connection.queue.headerWords[valueAt(at)] = found ? 1 : 0;
    this.#carryOut();
  }

  unbound({ session, handle, revoked }: ToWorker & { type: "unbind" }): void {
    this.#table.closeHandle(session, handle, revoked, this.#clock.nowMs());
    this.#carryOut(revoked ? REVOKED : UNBOUND);
  }

  /** @returns locks that the session holds still */
  endWaits(session: number): number {
    const held = this.#table.endWaits(session, this.#clock.nowMs());
    this.#carryOut();
    return held;
  }

  forget(session: number, kept: readonly string[]): void {
    this.#table.forget(session, new Set(kept), this.#clock.nowMs());
    this.#carryOut();
  }

  holdBack(untilMs: number): void {
    this.#table.holdBack(untilMs);
  }

  abort(session: number, id: number, cycle: readonly LockDescription[]): void {
    const nowMs = this.#clock.nowMs();
    const claims = cycle.map(({ origin, inode, index, at, length, exclusive }) => ({
      session,
      owner: origin,
      id,
      handle: 0,
      region: `${inode}.${index}`,
      at,
      end: at + length,
      exclusive,
    }));
    this.#table.abort(session, id, claims, nowMs);
    this.#carryOut();
  }

  waits(): LongWait[] {
    return this.#table
      .waits(this.#clock.nowMs())
      .filter(({ waiter }) => Number.isSafeInteger(waiter.id))
      .map(({ waiter, waitedMs, lastedMs, holders }) => ({
        session: waiter.session,
        id: waiter.id,
        request: described(waiter),
        waitedMs,
        lastedMs,
        holders: [...holders],
      }));
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    if (nowMs < this.#table.dueMs) return 0;
    this.#table.expire(nowMs);
    const work = this.#table.actions.count;
    this.#carryOut();
    return work;
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    const { dueMs } = this.#table;
    if (dueMs === Number.POSITIVE_INFINITY) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, Math.ceil(dueMs - this.#clock.nowMs())));
  }

  /** @param cancelled what waits that were taken back are answered with */
  #carryOut(cancelled = ABORTED): void {
    const { actions } = this.#table;
    for (let i = 0; i < actions.count; i += 1) {
      const kind = actions.kinds[i] as number;
      const asker = actions.waiters[i];
      if (asker === undefined) this.#events.suspected();
      else {
        const cycle = actions.cycles[i];
        if (cycle !== undefined) this.#events.deadlock(asker.session, cycle.map(described));
        const status = this.#statusOf(kind, cancelled);
        if (asker.command === undefined) continue;
        this.#waiting.settle(asker.command, status, kind === LOCK_ACTION.GRANTED ? 1 : 0);
        asker.command = undefined;
      }
    }
    actions.clear();
    this.#counters[COUNTER.locksHeld] = this.#table.heldCount;
    this.#counters[COUNTER.locksWaiting] = this.#table.waitingCount;
  }

  #statusOf(kind: number, cancelled: number): number {
    switch (kind) {
      case LOCK_ACTION.GRANTED:
        this.#count(COUNTER.locksGranted);
        return OK;
      case LOCK_ACTION.BUSY:
        return OK;
      case LOCK_ACTION.TIMED_OUT:
        return TIMEOUT;
      case LOCK_ACTION.DEADLOCKED:
        this.#count(COUNTER.deadlocks);
        return DEADLOCK;
      case LOCK_ACTION.CANCELLED:
        return cancelled;
      case LOCK_ACTION.REPEATED:
        return INVALID_ARGUMENT;
      default:
        return TOO_MANY;
    }
  }

  #count(at: number): void {
    this.#counters[at] = (this.#counters[at] as number) + 1;
  }
}

function described({ owner, region, at, end, exclusive }: LockClaim): LockDescription {
  const [inode, index] = region.split(".").map(Number) as [number, number];
  return { origin: owner, inode, index, at, length: end - at, exclusive };
}
