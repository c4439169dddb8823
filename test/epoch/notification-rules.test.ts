import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { NOTIFICATION_ACTION } from "../../src/epoch/notification-actions.ts";
import * as entries from "../../src/epoch/notification-entry.ts";
import { NOTIFICATION_LIMITS } from "../../src/epoch/notification-limits.ts";
import { ANY, type QueueClaim } from "../../src/epoch/notification-queue.ts";
import { NotificationTable } from "../../src/epoch/notification-table.ts";

const KINDS = Object.keys(NOTIFICATION_ACTION);
const CONSUMER = 1;
const QUEUE: QueueClaim = {
  session: CONSUMER,
  id: 1,
  handle: 1,
  region: "5.0",
  at: 0,
  end: 2 ** 40,
  source: ANY,
  tag: ANY,
  kind: "list",
  capacity: 4,
};

interface Access {
  region?: string;
  session?: number;
  at?: number;
  length?: number;
  source?: number;
  tag?: number;
}

class Table extends NotificationTable<string> {
  opened(claim: Partial<QueueClaim> = {}): string[] {
    this.open({ ...QUEUE, ...claim }, "open");
    return this.said();
  }

  notified(name: string, access: Access = {}): string[] {
    const { region = "5.0", session = 2, at = 0, length = 8, source = session, tag = 0 } = access;
    this.notify(region, session, at, length, source, tag, name);
    return this.said();
  }

  asked(waitMs = 0, { session = CONSUMER, id = 1, entriesMax = 64, nowMs = 0 } = {}): string[] {
    this.next(session, id, entriesMax, waitMs, "next", nowMs);
    return this.said();
  }

  expired(nowMs: number): string[] {
    this.expire(nowMs);
    return this.said();
  }

  /** What has been answered, and to whom; of entries their tags. */
  said(): string[] {
    const { kinds, waiters, counts, entriesAt, entries: words, count } = this.actions;
    const lines = Array.from({ length: count }, (_, i) => {
      const kind = KINDS[kinds[i] as number] as string;
      const tags = Array.from({ length: kind === "ENTRIES" ? (counts[i] as number) : 0 }, (_, nth) =>
        entries.entryTag(words, (entriesAt[i] as number) + nth * entries.ENTRY_WORDS),
      );
      const what = kind === "COUNT" ? [counts[i]] : tags;
      return [waiters[i], kind, ...what].join(" ");
    });
    this.actions.clear();
    return lines;
  }
}

test("golden words of an entry", () => {
  const table = new Table();
  table.opened({ end: 2 ** 50, board: { stamp: () => -2 } });
  table.notified("before");
  table.asked();
  table.notify("5.0", 2, 0x1_2345_6789_abcd, 0x2_8000_0001, 0xfeed_beef, 0xffff_ffff, "put", 0x3_0000_0002);
  table.next(CONSUMER, 1, 1, 0, "next", 0);
  const at = table.actions.entriesAt[1] as number;
  const words = table.actions.entries.slice(at, at + entries.ENTRY_WORDS);
  assert.deepEqual(
    [...new Uint32Array(words.buffer)],
    [0x6789_abcd, 0x1_2345, 0x8000_0001, 2, 0xfeed_beef, 0xffff_ffff, 1, 0xffff_fffe, 2, 3],
  );
  assert.equal(entries.entryAt(words, 0), 0x1_2345_6789_abcd);
  assert.equal(entries.entryLength(words, 0), 0x2_8000_0001);
  assert.equal(entries.entrySource(words, 0), 0xfeed_beef);
  assert.equal(entries.entrySequence(words, 0), 1);
  assert.equal(entries.entryStamp(words, 0), 0xffff_fffe);
  assert.equal(entries.entryBefore(words, 0), 0x3_0000_0002);
});

test("an entry is stamped when it is let in, by the board of each queue", () => {
  const table = new Table();
  const [stamps, others] = [
    [10, 20, 30],
    [5, 6, 7],
  ];
  table.opened({ capacity: 1, board: { stamp: () => stamps.shift() as number } });
  table.opened({ id: 2, board: { stamp: () => others.shift() as number } });
  table.opened({ id: 3 });
  for (const name of ["a", "b"]) table.notified(name);
  assert.deepEqual([stamps, others], [[20, 30], [7]], "one waits for room in the first");
  const stampsAt = (id: number): number[] => {
    table.next(CONSUMER, id, 64, 0, "next", 0);
    const { entries: words, counts, entriesAt } = table.actions;
    const told = Array.from({ length: counts[0] as number }, (_, nth) =>
      entries.entryStamp(words, (entriesAt[0] as number) + nth * entries.ENTRY_WORDS),
    );
    table.said();
    return told;
  };
  assert.deepEqual([1, 1, 2, 3].map(stampsAt), [[10], [20], [5, 6], [0, 0]]);
});

test("who waits may be told that nothing comes by this way, at one queue", () => {
  const table = new Table();
  table.opened();
  table.opened({ id: 2 });
  for (const id of [1, 1, 2]) assert.deepEqual(table.asked(1000, { id }), []);
  const queue = table.queueOf(CONSUMER, 1);
  assert.ok(queue?.isAwaited);
  table.wake(queue);
  assert.deepEqual(table.said(), ["next TIMED_OUT", "next TIMED_OUT"]);
  assert.deepEqual([queue.isAwaited, table.nextsCount, table.queuesAt("5.0")], [false, 1, 2]);
  table.wake(queue);
  assert.deepEqual(table.said(), []);
  assert.deepEqual(table.asked(1000), [], "it waits again");
  assert.deepEqual(table.notified("a"), ["next ENTRIES 0", "next ENTRIES 0", "a NOTIFIED"]);
  assert.equal(table.queueOf(CONSUMER, 3), undefined);
});

test("the sources that are needed are those of filters, of what lies in queues, and of what waits", () => {
  const table = new Table();
  assert.deepEqual(table.sources(), new Set());
  table.opened({ capacity: 2 });
  table.opened({ id: 2, source: 77, tag: 5 });
  for (const source of [3, 4, 4, 6]) table.notified("a", { source });
  table.notified("b", { source: 77, tag: 9 });
  assert.deepEqual(table.sources(), new Set([3, 4, 6, 77]));
  table.asked(0, { entriesMax: 1 });
  assert.deepEqual(table.sources(), new Set([4, 6, 77]));
  table.endSession(2);
  assert.deepEqual(table.sources(), new Set([4, 77]));
});

describe("notification queues", () => {
  it("answer what nobody waits for at once", () => {
    const table = new Table();
    assert.deepEqual(table.notified("a"), ["a NOTIFIED"]);
    table.opened();
    assert.deepEqual(table.notified("a", { region: "6.0" }), ["a NOTIFIED"]);
    assert.equal(table.sessionCount, 1);
  });

  it("let in an access of no bytes by its place", () => {
    const table = new Table();
    table.opened({ at: 100, end: 200 });
    for (const at of [99, 100, 199, 200]) table.notified("a", { at, length: 0, tag: at });
    assert.deepEqual(table.asked(), ["next ENTRIES 100 199"]);
  });

  it("hold up those who notify a slow reader, and nobody else", () => {
    const table = new Table();
    table.opened({ capacity: 1, end: 100 });
    table.opened({ session: 3, at: 50 });
    assert.deepEqual(table.notified("fits"), ["fits NOTIFIED"]);
    assert.deepEqual(table.notified("waits for one of two", { at: 60, tag: 1 }), []);
    assert.deepEqual(table.notified("goes elsewhere", { at: 200, tag: 2 }), ["goes elsewhere NOTIFIED"]);
    assert.deepEqual(table.notified("is somebody else's", { session: 4, at: 200, tag: 3 }), [
      "is somebody else's NOTIFIED",
    ]);
    assert.deepEqual(table.asked(0, { session: 3 }), ["next ENTRIES 1 2 3"]);
    assert.deepEqual(table.asked(), ["next ENTRIES 0", "waits for one of two NOTIFIED"]);
  });

  it("keep the order of coming, whoever comes", () => {
    const table = new Table();
    table.opened({ capacity: 2 });
    for (let tag = 0; tag < 6; tag += 1) table.notified(`${tag}`, { session: 2 + (tag % 2), tag });
    assert.deepEqual(table.asked(), ["next ENTRIES 0 1", "2 NOTIFIED", "3 NOTIFIED"]);
    assert.deepEqual(table.notified("6", { session: 9, tag: 6 }), []);
    assert.deepEqual(table.asked(), ["next ENTRIES 2 3", "4 NOTIFIED", "5 NOTIFIED"]);
    assert.deepEqual(table.asked(), ["next ENTRIES 4 5", "6 NOTIFIED"]);
  });

  it("serve first who asked first, each with what has come by then", () => {
    const table = new Table();
    table.opened();
    table.next(CONSUMER, 1, 64, 100, "first", 0);
    table.next(CONSUMER, 1, 64, 300, "second", 0);
    table.next(CONSUMER, 1, 64, 200, "third", 0);
    assert.equal(table.dueMs, 100);
    assert.deepEqual(table.expired(99), []);
    assert.deepEqual(table.expired(100), ["first TIMED_OUT"]);
    assert.equal(table.dueMs, 200);
    assert.deepEqual(table.notified("a", { tag: 1 }), ["second ENTRIES 1", "a NOTIFIED"]);
    assert.deepEqual(table.notified("b", { tag: 2 }), ["third ENTRIES 2", "b NOTIFIED"]);
    assert.deepEqual(table.expired(200), []);
    assert.equal(table.dueMs, Number.POSITIVE_INFINITY);
  });

  it("give no more entries at a time than an answer has room for", () => {
    const table = new Table();
    const most = NOTIFICATION_LIMITS.answerEntriesMax;
    table.opened({ capacity: 2 * most });
    for (let tag = 0; tag < 2 * most; tag += 1) table.notified("a", { tag });
    assert.deepEqual(table.asked(0, { entriesMax: 3 }), ["next ENTRIES 0 1 2"]);
    const [answer = ""] = table.asked(0, { entriesMax: 1000 });
    assert.equal(answer.split(" ").length, 2 + most);
  });

  it("count without room, up to what a number can say", () => {
    const table = new Table({ ...NOTIFICATION_LIMITS, countMax: 100 });
    table.opened({ kind: "count", capacity: 0, tag: 7 });
    for (let i = 0; i < 50; i += 1) {
      assert.deepEqual(table.notified("a", { tag: 7 }), ["a NOTIFIED"]);
      table.notified("other", { tag: 8 });
    }
    assert.deepEqual(table.asked(), ["next COUNT 50"]);
    for (let i = 0; i < 120; i += 1) table.notified("a", { tag: 7 });
    assert.deepEqual(table.asked(), ["next COUNT 100"]);
    assert.deepEqual(table.asked(), ["next TIMED_OUT"]);
    assert.deepEqual(table.asked(100), []);
    assert.deepEqual(table.notified("a", { tag: 7 }), ["next COUNT 1", "a NOTIFIED"]);
  });

  it("let go of all who waited for a queue alone when it is closed", () => {
    const table = new Table();
    table.opened({ capacity: 1, end: 100, handle: 8 });
    table.opened({ capacity: 1, at: 50, id: 2 });
    table.notified("fills both", { at: 60 });
    table.notified("waits for one", { at: 10 });
    table.notified("waits for two", { at: 60, tag: 2 });
    assert.equal(table.waitingCount, 3);
    table.closeHandle(CONSUMER, 8);
    assert.deepEqual(table.said(), ["waits for one NOTIFIED"]);
    assert.deepEqual(table.asked(), ["next UNKNOWN"]);
    assert.deepEqual(table.asked(0, { id: 2 }), ["next ENTRIES 0", "waits for two NOTIFIED"]);
    table.asked(0, { id: 2 });
    assert.deepEqual(table.asked(100, { id: 2 }), []);
    assert.ok(table.close(CONSUMER, 2));
    assert.deepEqual(table.said(), ["next CLOSED"]);
    assert.ok(!table.close(CONSUMER, 2));
  });

  it("keep of a session that has ended what they had let in, and nothing that waited", () => {
    const table = new Table();
    table.opened({ capacity: 1 });
    table.opened({ session: 3 });
    table.notified("in", { tag: 1 });
    table.notified("in one of two", { tag: 2 });
    table.notified("behind", { session: 4, tag: 3 });
    table.endSession(2);
    assert.deepEqual(table.said(), ["in one of two CANCELLED"]);
    assert.deepEqual(table.asked(), ["next ENTRIES 1", "behind NOTIFIED"]);
    assert.deepEqual(table.asked(), ["next ENTRIES 3"]);
    assert.deepEqual(table.asked(0, { session: 3 }), ["next ENTRIES 1 2 3"]);
  });

  it("stay when only a connection has ended", () => {
    const table = new Table();
    table.opened();
    table.asked(100);
    table.endWaits(CONSUMER);
    assert.deepEqual(table.said(), ["next CANCELLED"]);
    table.notified("a", { tag: 5 });
    assert.deepEqual(table.asked(), ["next ENTRIES 5"]);
  });

  it("refuse what would be too much, and say so before bytes are moved", () => {
    const { sessionQueuesMax, regionQueuesMax, queueEntriesMax, sessionWaitsMax, sessionNextsMax } =
      NOTIFICATION_LIMITS;
    const table = new Table();
    assert.deepEqual(table.opened({ capacity: queueEntriesMax + 1 }), ["open REFUSED"]);
    assert.deepEqual(table.opened({ capacity: 0 }), ["open REFUSED"]);
    assert.deepEqual(table.opened({ capacity: 1 }), ["open OPENED"]);
    assert.deepEqual(table.opened({ capacity: 1 }), ["open REPEATED"]);
    for (let i = 0; i < sessionNextsMax; i += 1) assert.deepEqual(table.asked(100), []);
    assert.deepEqual(table.asked(100), ["next REFUSED"]);
    table.expired(100);
    table.notified("fits");
    for (let i = 0; i < sessionWaitsMax; i += 1) {
      assert.ok(table.accepts("5.0", 2, 0, 8, 2, 0));
      assert.deepEqual(table.notified("waits"), []);
    }
    assert.ok(!table.accepts("5.0", 2, 0, 8, 2, 0));
    assert.deepEqual(table.notified("waits"), ["waits REFUSED"]);
    assert.ok(table.accepts("5.0", 2, 2 ** 40, 8, 2, 0), "nobody has to wait where it does not match");
    assert.deepEqual(table.notified("is somebody else's", { session: 3 }), []);
    table.asked();
    assert.ok(table.accepts("5.0", 2, 0, 8, 2, 0), "one has been let in");
    for (let id = 1; id < sessionQueuesMax; id += 1) table.opened({ id: 1 + id, kind: "count" });
    assert.deepEqual(table.opened({ id: 1000, region: "6.0" }), ["open REFUSED"]);
    for (let i = sessionQueuesMax; i < regionQueuesMax; i += 1) table.opened({ session: 2, id: i });
    assert.deepEqual(table.opened({ session: 2, id: 1000 }), ["open REFUSED"]);
    assert.deepEqual(table.opened({ session: 2, id: 1000, region: "6.0" }), ["open OPENED"]);
  });

  it("leave nothing of the largest number of waits when a session ends", () => {
    const table = new Table();
    table.opened({ capacity: 1 });
    table.notified("fits");
    const { waitsMax, sessionWaitsMax } = NOTIFICATION_LIMITS;
    for (let i = 0; i < waitsMax; i += 1) {
      table.notified("waits", { session: 10 + Math.floor(i / sessionWaitsMax) });
    }
    assert.equal(table.waitingCount, waitsMax);
    assert.deepEqual(table.notified("one more", { session: 2 }), ["one more REFUSED"]);
    table.endSession(CONSUMER);
    const said = table.said();
    assert.ok(said.every((one) => one === "waits NOTIFIED") && said.length === waitsMax);
    assert.deepEqual([table.waitingCount, table.queueCount, table.entriesCount], [0, 0, 0]);
  });
});
