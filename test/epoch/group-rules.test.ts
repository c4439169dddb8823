import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ANY_RANK, type GroupClaim } from "../../src/epoch/group.ts";
import { GROUP_ACTION } from "../../src/epoch/group-actions.ts";
import { GROUP_LIMITS } from "../../src/epoch/group-limits.ts";
import { GroupTable } from "../../src/epoch/group-table.ts";

const KINDS = Object.keys(GROUP_ACTION);
const WAIT_MS = 1000;

class Table extends GroupTable<string> {
  joined(session: number, claim: Partial<GroupClaim> = {}, waitMs: number = WAIT_MS, nowMs = 0): string[] {
    this.join({ session, name: "ring", size: 2, rank: ANY_RANK, ...claim }, waitMs, `${session}`, nowMs);
    return this.said();
  }

  came(session: number, round: number, { group = 0, waitMs = WAIT_MS, nowMs = 0 } = {}): string[] {
    this.barrier(session, group, round, waitMs, `${session}`, nowMs);
    return this.said();
  }

  left(session: number, name = "ring"): string[] {
    assert.ok(this.leave(session, name));
    return this.said();
  }

  expired(nowMs: number): string[] {
    this.expire(nowMs);
    return this.said();
  }

  ended(session: number): string[] {
    this.endSession(session);
    return this.said();
  }

  said(): string[] {
    const { count, kinds, waiters, ranks, sizes, groups } = this.actions;
    const lines = Array.from({ length: count }, (_, i) => {
      const kind = KINDS[kinds[i] as number] as string;
      const joined = kind === "JOINED" ? ` ${ranks[i]}/${sizes[i]} #${groups[i]}` : "";
      return `${waiters[i]} ${kind}${joined}${kind === "BROKEN" ? ` ${ranks[i]}` : ""}`;
    });
    this.actions.clear();
    return lines;
  }
}

describe("groups", () => {
  it("are there when all have come, with ranks in the order of joining but for those that are asked for", () => {
    const table = new Table();
    assert.deepEqual(table.joined(7, { size: 4 }), []);
    assert.deepEqual(table.joined(8, { size: 4, rank: 0 }), []);
    assert.deepEqual(table.joined(9, { size: 4, rank: 0 }), ["9 TAKEN"]);
    assert.deepEqual(table.joined(9, { size: 4, rank: 2 }), []);
    assert.deepEqual(table.joined(5, { size: 4 }, 0), [
      "8 JOINED 0/4 #0",
      "7 JOINED 1/4 #0",
      "9 JOINED 2/4 #0",
      "5 JOINED 3/4 #0",
    ]);
    assert.deepEqual(table.joined(6, { size: 4 }), ["6 TAKEN"]);
    assert.equal(table.dueMs, 1000, "what was due may be looked at");
    assert.deepEqual(table.expired(1000), []);
    assert.equal(table.dueMs, Number.POSITIVE_INFINITY);
  });

  it("refuse whoever means another one", () => {
    const table = new Table();
    assert.deepEqual(table.joined(1), []);
    assert.deepEqual(table.joined(2, { size: 3 }), ["2 MISMATCH"]);
    assert.deepEqual(table.joined(1), ["1 REPEATED"]);
    for (const claim of [{ size: 1 }, { size: 1025 }, { rank: 2 }, { rank: -2 }, { size: Number.NaN }])
      assert.deepEqual(table.joined(2, claim), ["2 REFUSED"]);
    assert.deepEqual(table.came(1, 0), ["1 UNKNOWN"], "before all have come it has no number");
  });

  it("are a wish until all have come: who goes has not been there", () => {
    const table = new Table();
    table.joined(1, { size: 3 }, 100);
    table.joined(2, { size: 3, rank: 0 }, 200);
    assert.deepEqual(table.expired(100), ["1 TIMED_OUT"]);
    assert.deepEqual(table.left(2), ["2 CANCELLED"]);
    assert.equal(table.groupCount, 0);
    table.joined(3, { size: 2, rank: 0 });
    assert.deepEqual(table.joined(4), ["3 JOINED 0/2 #1", "4 JOINED 1/2 #1"]);
  });

  it("pass barriers together, and mix up no rounds", () => {
    const table = new Table();
    table.joined(1);
    table.joined(2);
    assert.deepEqual(table.came(1, 0, { waitMs: 0 }), ["1 TIMED_OUT"], "who may not wait has not come");
    assert.deepEqual(table.came(1, 0), []);
    assert.deepEqual(table.came(1, 0), ["1 REPEATED"]);
    assert.deepEqual(table.came(2, 1), ["2 MISMATCH"]);
    assert.deepEqual(table.came(2, 0, { waitMs: 0 }), ["1 PASSED", "2 PASSED"]);
    assert.deepEqual(table.came(2, 0), ["2 MISMATCH"]);
    assert.deepEqual(table.came(2, 1), []);
    assert.deepEqual(table.came(1, 1), ["1 PASSED", "2 PASSED"].toReversed());
  });

  it("end through the lowest rank that does not come, for all and until all have left", () => {
    const table = new Table();
    for (const session of [1, 2, 3]) table.joined(session, { size: 3 });
    table.came(3, 0, { waitMs: 500 });
    table.came(1, 0, { waitMs: 100 });
    assert.deepEqual(table.expired(99), []);
    assert.deepEqual(table.expired(100), ["1 BROKEN 1", "3 BROKEN 1"]);
    assert.deepEqual(table.came(2, 0), ["2 BROKEN 1"]);
    assert.deepEqual(table.joined(4, { size: 3 }), ["4 BROKEN 1"]);
    table.left(1);
    table.ended(3);
    assert.deepEqual(table.came(2, 0), ["2 BROKEN 1"], "whoever was the first is named");
    table.left(2);
    table.joined(1, { size: 5 });
    assert.equal(table.groupCount, 1);
  });

  it("end through whoever leaves, whose session ends, or who is cut off while it waits", () => {
    const ways: ((table: Table) => void)[] = [
      (table) => table.leave(1, "ring"),
      (table) => table.endSession(1),
      (table) => table.endWaits(1),
    ];
    for (const way of ways) {
      const table = new Table();
      for (const session of [1, 2, 3]) table.joined(session, { size: 3 });
      table.came(1, 0);
      table.came(2, 0);
      way(table);
      assert.deepEqual(table.said(), ["1 CANCELLED", "2 BROKEN 0"]);
      assert.deepEqual(table.came(3, 0), ["3 BROKEN 0"]);
    }
  });

  it("outlast the connection of a member that waits for nothing", () => {
    const table = new Table();
    table.joined(1);
    table.joined(2);
    table.endWaits(1);
    table.came(2, 0);
    assert.deepEqual(table.came(1, 0), ["2 PASSED", "1 PASSED"]);
  });

  it("hear nothing that was meant for an earlier life of their name", () => {
    const table = new Table();
    table.joined(1);
    table.joined(2);
    table.left(1);
    table.left(2);
    table.joined(1);
    assert.deepEqual(table.joined(2), ["1 JOINED 0/2 #1", "2 JOINED 1/2 #1"]);
    assert.deepEqual(table.came(1, 0), ["1 UNKNOWN"]);
    assert.deepEqual(table.came(1, 0, { group: 1 }), []);
  });

  it("fill when they were begun: a group takes all its members at once", () => {
    const { sizeMax, membersMax, groupsMax, sessionGroupsMax } = GROUP_LIMITS;
    const table = new Table();
    for (let i = 0; i < sessionGroupsMax; i += 1) assert.deepEqual(table.joined(1, { name: `${i}` }), []);
    assert.deepEqual(table.joined(1, { name: "one more" }), ["1 REFUSED"]);
    table.ended(1);
    for (let i = 0; i < membersMax / sizeMax; i += 1) table.joined(2, { name: `${i}`, size: sizeMax });
    assert.equal(table.placeCount, membersMax);
    assert.deepEqual(table.joined(3, { name: "one more" }), ["3 REFUSED"]);
    assert.deepEqual(table.joined(3, { name: "0", size: sizeMax }), []);
    table.ended(2);
    table.ended(3);
    for (let i = 0; i < groupsMax; i += 1) table.joined(10 + i, { name: `${i}` });
    assert.deepEqual(table.joined(3, { name: "one more" }), ["3 REFUSED"]);
  });

  it("of the largest size pass barriers, and tell all when one ends", () => {
    const size = GROUP_LIMITS.sizeMax;
    const table = new Table();
    for (let session = 0; session < size; session += 1) table.joined(session, { size });
    for (let round = 0; round < 3; round += 1) {
      for (let session = 1; session < size; session += 1) assert.deepEqual(table.came(session, round), []);
      const said = table.came(0, round);
      assert.ok(said.length === size && said.every((one) => one.endsWith("PASSED")));
    }
    for (let session = 1; session < size; session += 1) table.came(session, 3);
    const said = table.ended(0);
    assert.ok(said.length === size - 1 && said.every((one) => one.endsWith("BROKEN 0")));
    for (let session = 1; session < size; session += 1) table.ended(session);
    assert.deepEqual([table.groupCount, table.placeCount, table.sessionCount], [0, 0, 0]);
  });
});
