import assert from "node:assert/strict";
import { LOCK_ACTION } from "../../src/epoch/lock-actions.ts";
import type { LockClaim } from "../../src/epoch/lock-request.ts";
import type { LockTable } from "../../src/epoch/lock-table.ts";
import { copied } from "./copied.ts";

/** How long a tick is: what has lasted for one is old enough to count in a circle. */
export const TICK_MS = 250;

export interface Ask {
  readonly session: number;
  readonly range: number;
  readonly exclusive: boolean;
  /** Ticks that it may wait; 0 for a try. */
  readonly waitTicks: number;
}

export type Event =
  | ({ readonly kind: "ask" } & Ask)
  | { readonly kind: "release"; readonly session: number; readonly range: number }
  | { readonly kind: "crash"; readonly session: number }
  | { readonly kind: "forget"; readonly session: number }
  | { readonly kind: "tick" };

/** A request as it must be, by what the table has answered. */
export interface Mirrored extends Ask {
  readonly at: number;
  readonly end: number;
  readonly order: number;
  readonly deadline: number;
  since: number;
  status: "asked" | "waits" | "holds" | "over";
}

export interface Range {
  readonly at: number;
  readonly end: number;
}

/**
 * The table beside a record of what it has said: every event is followed by the checks of what must always hold, which know
 * nothing of how the table does it.
 */
export class LockRun {
  readonly table: LockTable<Mirrored>;
  readonly ranges: readonly Range[];
  /** By session and range; those that are over are gone. */
  requests: Mirrored[] = [];
  now = 0;
  /** False while only what is known to be right is done once more. */
  checks = true;
  /** Sessions that have crashed, and whether what they hold is forgotten. */
  crashed = new Map<number, boolean>();
  #order = 0;
  /** Waits last so briefly that each is looked at for a circle in every tick. */
  readonly #briefWaits: boolean;

  constructor(table: LockTable<Mirrored>, ranges: readonly Range[], briefWaits = true) {
    this.table = table;
    this.ranges = ranges;
    this.#briefWaits = briefWaits;
  }

  /** The table must be one of a module that is `opened`. */
  copy(): LockRun {
    const { actions } = this.table;
    assert.equal(actions.count, 0, "between two events there is nothing to be carried out");
    // It is large, and empty: all copies may share it.
    const copies = new Map<unknown, unknown>([[actions, actions]]);
    const run = new LockRun(copied(this.table, copies), this.ranges, this.#briefWaits);
    run.requests = copied(this.requests, copies);
    run.crashed = new Map(this.crashed);
    run.now = this.now;
    run.#order = this.#order;
    return run;
  }

  find(session: number, range: number): Mirrored | undefined {
    return this.requests.find((request) => request.session === session && request.range === range);
  }

  apply(event: Event): void {
    const nowMs = this.now * TICK_MS;
    if (event.kind === "ask") this.#ask(event, nowMs);
    else if (event.kind === "release") this.#release(event.session, event.range, nowMs);
    else if (event.kind === "crash") {
      this.crashed.set(event.session, false);
      const held = this.table.endWaits(event.session, nowMs);
      this.#takeBack((request) => request.session === event.session && request.status === "waits");
      assert.equal(
        held,
        this.requests.filter(({ session }) => session === event.session).length,
        "locks left",
      );
    } else if (event.kind === "forget") {
      this.crashed.set(event.session, true);
      this.#remove((request) => request.session === event.session);
      this.table.forget(event.session, new Set(), nowMs);
    } else {
      this.now += 1;
      this.table.expire(this.now * TICK_MS);
    }
    this.#takeActions();
    if (this.checks) this.#check(event.kind === "tick");
  }

  #ask(ask: Ask, nowMs: number): void {
    const { session, range, exclusive, waitTicks } = ask;
    const { at, end } = this.ranges[range] as Range;
    const deadline = this.now + waitTicks;
    const order = this.#order++;
    const request: Mirrored = { ...ask, at, end, order, deadline, since: this.now, status: "asked" };
    this.requests.push(request);
    const claim = {
      session,
      owner: `owner ${session}`,
      id: range,
      handle: 1,
      region: "5.0",
      at,
      end,
      exclusive,
    };
    this.table.request(claim, waitTicks * TICK_MS, request, nowMs);
    if (this.table.actions.count === 0) request.status = "waits";
  }

  #release(session: number, range: number, nowMs: number): void {
    const request = this.find(session, range);
    const isWaiting = request?.status === "waits";
    if (request?.status === "holds") this.#remove((other) => other === request);
    assert.ok(this.table.release(session, range, nowMs) === (request !== undefined), "release knows it");
    if (isWaiting) this.#takeBack((other) => other === request);
  }

  /** The first actions must be that these have been cancelled. */
  #takeBack(isMeant: (request: Mirrored) => boolean): void {
    const { kinds, waiters, count } = this.table.actions;
    const meant = this.requests.filter(isMeant);
    let cancelled = 0;
    for (let i = 0; i < count; i += 1) {
      if (kinds[i] !== LOCK_ACTION.CANCELLED) continue;
      cancelled += 1;
      assert.ok(meant.includes(waiters[i] as Mirrored), "what was not taken back goes on");
    }
    assert.ok(cancelled === meant.length, "what was taken back is told so");
    this.#remove(isMeant);
  }

  #remove(isMeant: (request: Mirrored) => boolean): void {
    for (const request of this.requests.filter(isMeant)) {
      request.status = "over";
      this.requests.splice(this.requests.indexOf(request), 1);
    }
  }

  #takeActions(): void {
    const { actions } = this.table;
    for (let i = 0; i < actions.count; i += 1) {
      const kind = actions.kinds[i] as number;
      const request = actions.waiters[i];
      if (kind === LOCK_ACTION.SUSPECTED || kind === LOCK_ACTION.CANCELLED) continue;
      assert.ok(request !== undefined && this.requests.includes(request), "an answer is to an open request");
      this.#answered(request, kind, actions.cycles[i]);
    }
    actions.clear();
  }

  #answered(request: Mirrored, kind: number, cycle: readonly LockClaim[] | undefined): void {
    assert.ok(request.status === "waits" || request.status === "asked", "a request is answered once");
    if (kind === LOCK_ACTION.GRANTED) {
      for (const other of this.requests) {
        if (!conflicts(other, request)) continue;
        assert.ok(other.status !== "holds", "two that conflict are held");
        assert.ok(
          other.status !== "waits" || other.order > request.order,
          "one who asked before is overtaken",
        );
      }
      request.status = "holds";
      request.since = this.now;
      return;
    }
    if (kind === LOCK_ACTION.BUSY) assert.ok(request.waitTicks === 0, "busy is said to tries");
    else if (kind === LOCK_ACTION.TIMED_OUT) assert.ok(request.deadline <= this.now, "its time has come");
    else {
      assert.equal(kind, LOCK_ACTION.DEADLOCKED);
      const circle = (cycle ?? []).map(({ session, id }) => this.find(session, id) as Mirrored);
      assert.equal(circle[0], request, "the circle begins with the victim");
      assert.ok(this.#isCircle(circle), "who is told of a circle waits in one");
    }
    this.#remove((other) => other === request);
  }

  /** Each waits for the next one, or what its session holds, and the last for what the first's holds; since a tick at least. */
  #isCircle(circle: readonly Mirrored[]): boolean {
    return circle.every((waiter, i) => {
      const next = circle[(i + 1) % circle.length] as Mirrored;
      const isInTheWay = (other: Mirrored): boolean =>
        other.since < this.now &&
        other.session !== waiter.session &&
        conflicts(other, waiter) &&
        (other.status === "holds" ? other.session === next.session : other === next && i + 1 < circle.length);
      return waiter.status === "waits" && waiter.since < this.now && this.requests.some(isInTheWay);
    });
  }

  /** Sessions that hold what `session` waits for. */
  #holdersOf(session: number): Set<number> {
    const holders = new Set<number>();
    const follow = (waiter: Mirrored): void => {
      for (const other of this.requests) {
        const isOld = other.since < this.now && other.session !== waiter.session;
        if (!isOld || !conflicts(other, waiter)) continue;
        if (other.status === "holds") holders.add(other.session);
        else if (other.status === "waits" && other.order < waiter.order) follow(other);
      }
    };
    for (const waiter of this.requests) {
      if (waiter.session === session && waiter.status === "waits" && waiter.since < this.now) follow(waiter);
    }
    return holders;
  }

  #check(ticked: boolean): void {
    const waiting = this.requests.filter(({ status }) => status === "waits");
    for (const request of waiting) {
      const isInTheWay = (other: Mirrored): boolean =>
        other !== request &&
        conflicts(other, request) &&
        (other.status === "holds" || (other.status === "waits" && other.order < request.order));
      assert.ok(this.requests.some(isInTheWay), "somebody waits for nothing");
      assert.ok(!ticked || request.deadline > this.now, "a wait outlasts its time");
    }
    const dueTicks = this.table.dueMs / TICK_MS;
    for (const { deadline } of waiting)
      assert.ok(dueTicks <= (this.#briefWaits ? this.now + 1 : deadline), "somebody is looked at too late");
    assert.ok(this.table.waitingCount === waiting.length, "waits are counted");
    assert.ok(this.table.heldCount === this.requests.length - waiting.length, "locks are counted");
    if (ticked && this.#briefWaits)
      for (const { session } of waiting) assert.ok(!this.#isDeadlocked(session), "a circle lasts");
  }

  #isDeadlocked(session: number): boolean {
    const reached = new Set(this.#holdersOf(session));
    for (const next of reached) for (const holder of this.#holdersOf(next)) reached.add(holder);
    return reached.has(session);
  }

  /** Tries that find no place leave no trace, and others are as good as those that may wait. */
  tryAll(sessions: readonly number[]): void {
    for (const session of sessions) {
      for (const range of this.ranges.keys()) {
        if (this.find(session, range) !== undefined) continue;
        for (const exclusive of [false, true]) {
          this.apply({ kind: "ask", session, range, exclusive, waitTicks: 0 });
          if (this.find(session, range) !== undefined) this.apply({ kind: "release", session, range });
        }
      }
    }
  }

  /** Everybody who holds lets go, until nobody is left: then each wait must have been granted, and nothing be left. */
  finish(): void {
    for (let rounds = 0; this.requests.length > 0; rounds += 1) {
      assert.ok(rounds < 100, "locks that are released let the next ones in");
      const held = this.requests.find(({ status }) => status === "holds");
      assert.ok(held !== undefined, "somebody waits, and nobody holds");
      if (this.crashed.get(held.session) === false) this.apply({ kind: "forget", session: held.session });
      else this.apply({ kind: "release", session: held.session, range: held.range });
    }
    assert.equal(this.table.heldCount + this.table.waitingCount, 0);
    assert.deepEqual(this.table.waits(this.now * TICK_MS), []);
  }
}

export function conflicts(one: Range & Ask, other: Range & Ask): boolean {
  const overlap = Math.min(one.end, other.end) - Math.max(one.at, other.at);
  return one !== other && overlap > 0 && (one.exclusive || other.exclusive);
}
