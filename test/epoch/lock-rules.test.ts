import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LOCK_ACTION } from "../../src/epoch/lock-actions.ts";
import {
  CHECK_MS,
  LockTable,
  REGION_REQUESTS_MAX,
  SESSION_LOCKS_MAX,
  SESSION_WAITS_MAX,
} from "../../src/epoch/lock-table.ts";

const KINDS = Object.keys(LOCK_ACTION);

interface Asking {
  session?: number;
  owner?: string;
  region?: string;
  handle?: number;
  at?: number;
  length?: number;
  exclusive?: boolean;
  waitMs?: number;
  nowMs?: number;
}

class Table extends LockTable<string> {
  #id = 0;

  /** Asks under a number of its own. @returns what is answered at once */
  ask(name: string, asking: Asking = {}): string[] {
    const { session = 1, region = "5.0", handle = 1, at = 0, length = 10, exclusive = true } = asking;
    const { owner = `owner ${session}`, waitMs = 60_000, nowMs = 0 } = asking;
    this.#id += 1;
    const claim = { session, owner, id: this.#id, handle, region, at, end: at + length, exclusive };
    this.request(claim, waitMs, name, nowMs);
    return this.said();
  }

  get lastId(): number {
    return this.#id;
  }

  said(): string[] {
    const { kinds, waiters, count } = this.actions;
    const lines = Array.from({ length: count }, (_, i) => `${waiters[i] ?? ""} ${KINDS[kinds[i] as number]}`);
    this.actions.clear();
    return lines;
  }

  expired(nowMs: number): string[] {
    this.expire(nowMs);
    return this.said();
  }
}

describe("the lock table", () => {
  it("grants nothing while an earlier life's leases may last, then in the order of asking", () => {
    const table = new Table();
    table.holdBack(1000);
    assert.deepEqual(table.ask("a"), []);
    assert.deepEqual(table.ask("try", { at: 50, waitMs: 0 }), ["try BUSY"]);
    assert.deepEqual(table.ask("late", { at: 50, waitMs: 400 }), []);
    assert.deepEqual(table.ask("b", { session: 2 }), []);
    assert.deepEqual(table.expired(999), ["late TIMED_OUT"]);
    assert.equal(table.dueMs, 1000);
    assert.deepEqual(table.expired(1000), ["a GRANTED", " SUSPECTED"]);
    table.forget(1, new Set(), 1100);
    assert.deepEqual(table.said(), ["b GRANTED"]);
  });

  it("opens with the first request when its time has come", () => {
    const table = new Table();
    table.holdBack(1000);
    assert.deepEqual(table.ask("a", { nowMs: 1000 }), ["a GRANTED"]);
  });

  it("keeps what was locked on the regions that a lost session may still write to", () => {
    const table = new Table();
    table.ask("mapped", { region: "5.0" });
    table.ask("other", { region: "6.0" });
    table.ask("next", { session: 2, region: "5.0" });
    assert.equal(table.endWaits(1, 0), 2);
    table.forget(1, new Set(["5.0"]), 0);
    assert.equal(table.heldCount, 1);
    assert.deepEqual(table.said(), []);
    table.forget(1, new Set(), 0);
    assert.deepEqual(table.said(), ["next GRANTED"]);
  });

  it("ends with a window what was asked through it, and nothing else", () => {
    const table = new Table();
    table.ask("held", { handle: 1 });
    table.ask("waits", { handle: 1, at: 5 });
    table.ask("other", { handle: 2, at: 100 });
    table.closeHandle(1, 1, true, 0);
    assert.deepEqual(table.said(), ["waits CANCELLED"]);
    table.closeHandle(1, 1, false, 0);
    assert.equal(table.heldCount, 1);
  });

  it("refuses what would be too much, and a number that is in use", () => {
    const table = new Table();
    table.ask("held");
    for (let i = 0; i < SESSION_WAITS_MAX; i += 1) assert.deepEqual(table.ask("waits"), []);
    assert.deepEqual(table.ask("waits"), ["waits REFUSED"]);
    assert.deepEqual(table.ask("elsewhere", { at: 100 }), ["elsewhere GRANTED"]);
    const taken = table.lastId;
    const claim = {
      session: 1,
      owner: "",
      id: taken,
      handle: 1,
      region: "5.0",
      at: 500,
      end: 501,
      exclusive: true,
    };
    table.request(claim, 0, "again", 0);
    assert.deepEqual(table.said(), ["again REPEATED"]);

    const crowded = new Table();
    const shared = { exclusive: false };
    for (let i = 0; i < SESSION_LOCKS_MAX; i += 1) crowded.ask("", shared);
    assert.deepEqual(crowded.ask("x", shared), ["x REFUSED"]);
    for (let i = SESSION_LOCKS_MAX; i < REGION_REQUESTS_MAX; i += 1)
      crowded.ask("", { ...shared, session: 2 });
    assert.deepEqual(crowded.ask("x", { ...shared, session: 3 }), ["x REFUSED"]);
    assert.deepEqual(crowded.ask("x", { ...shared, session: 3, region: "6.0" }), ["x GRANTED"]);
  });

  it("says that a deadlock may go over other tables, less and less often, and ends the wait it is told to", () => {
    const table = new Table();
    table.ask("held", { session: 2 });
    table.ask("waits", { session: 1 });
    const said = Array.from({ length: 40 }, (_, i) => table.expired((i + 1) * CHECK_MS).length);
    assert.equal(said[0], 1);
    const count = said.reduce((sum, one) => sum + one, 0);
    assert.ok(count > 3 && count < 12, `${count} times in 10 s`);
    const [wait] = table.waits(10_000);
    assert.deepEqual([wait?.waiter.session, wait?.waitedMs, wait?.holders], [1, 10_000, ["owner 2"]]);
    assert.ok(table.abort(1, table.lastId, [], 10_000));
    assert.deepEqual(table.said(), ["waits DEADLOCKED"]);
    assert.ok(!table.abort(1, table.lastId, [], 10_000));
  });

  it("takes no circle for one that has only just closed, nor one of an origin's own tasks", () => {
    const table = new Table();
    table.ask("a holds", { session: 1 });
    table.ask("b holds", { session: 2, at: 100 });
    table.ask("b waits", { session: 2 });
    table.ask("a waits", { session: 1, at: 100, nowMs: 5 * CHECK_MS });
    assert.deepEqual(table.expired(5 * CHECK_MS + 1), [" SUSPECTED"]);
    assert.deepEqual(table.expired(6 * CHECK_MS), ["a waits DEADLOCKED"]);

    const own = new Table();
    own.ask("holds");
    own.ask("waits", { waitMs: 3 * CHECK_MS });
    assert.deepEqual(own.expired(2 * CHECK_MS), [" SUSPECTED"]);
    assert.deepEqual(own.expired(3 * CHECK_MS), ["waits TIMED_OUT"]);
  });
});
