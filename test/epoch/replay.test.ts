import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { type CommitRecord, type EpochWrite, RECORD_KIND } from "../../src/epoch/commit-records.ts";
import { EpochLog } from "../../src/epoch/log.ts";
import type { LogRecord } from "../../src/epoch/log-ring.ts";
import { encodeRecord } from "../../src/epoch/record-codec.ts";
import { type Replayed, replay } from "../../src/epoch/replay.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { SECRET, settle } from "./log-run.ts";
import { type Event, ReplayModel } from "./replay-model.ts";

const SELF = { target: "a0".repeat(16), worker: 0 };
const OTHER = { target: "b1".repeat(16), worker: 1 };
const NOTHING: Replayed = { regions: [], inDoubt: [], decisions: [] };

const epochOf = (sequence: number) => ({
  incarnation: "c2".repeat(16),
  session: 4,
  secret: "5e".repeat(8),
  sequence,
});

const writeOf = (fill: number, at = 0, byteLength = 4): EpochWrite => ({
  inode: 5,
  index: 1,
  at,
  bytes: new Uint8Array(byteLength).fill(fill),
});

const prepared = (sequence: number, ...writes: EpochWrite[]): CommitRecord => ({
  kind: RECORD_KIND.PREPARED,
  epoch: epochOf(sequence),
  decider: OTHER,
  shared: [{ inode: 6, index: 0, line: 9 }],
  writes,
});
const committed = (sequence: number, at: number): CommitRecord => ({
  kind: RECORD_KIND.COMMITTED,
  epoch: epochOf(sequence),
  prepared: at,
  others: [OTHER],
});
const alone = (sequence: number, ...writes: EpochWrite[]): CommitRecord => ({
  kind: RECORD_KIND.COMMITTED_ALONE,
  epoch: epochOf(sequence),
  writes,
});
const finished = (sequence: number, ends: number, isCommitted = true): CommitRecord => ({
  kind: RECORD_KIND.FINISHED,
  epoch: epochOf(sequence),
  ends,
  committed: isCommitted,
});
const flushed = (upTo: number): CommitRecord => ({ kind: RECORD_KIND.FLUSHED, inode: 5, index: 1, upTo });

/** As a log would have them, the first at position 0, the next at 100, and so on. */
function logged(...records: CommitRecord[]): LogRecord[] {
  return records.map((record, i) => ({
    position: i * 100,
    kind: record.kind,
    body: Uint8Array.from(Buffer.concat(encodeRecord(record))),
  }));
}

const replayed = (...records: CommitRecord[]): Replayed => replay(logged(...records));
const regionWith = (...writes: EpochWrite[]) => [{ inode: 5, index: 1, writes }];
const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

describe("replaying a log", () => {
  it("puts what was committed in the order in which it was", () => {
    const all = replayed(
      prepared(1, writeOf(1)),
      prepared(2, writeOf(2)),
      alone(3, writeOf(3)),
      finished(2, 100),
      finished(1, 0),
    );
    assert.deepEqual(all, { ...NOTHING, regions: regionWith(writeOf(3), writeOf(2), writeOf(1)) });
  });

  it("puts nothing of what was not committed", () => {
    assert.deepEqual(replayed(prepared(1, writeOf(1)), finished(1, 0, false)), NOTHING);
  });

  it("leaves in doubt what nothing is said about, with its locks", () => {
    const writes = [
      writeOf(1, LINE_BYTES - 1, 2),
      writeOf(2, 3 * LINE_BYTES, LINE_BYTES),
      writeOf(3, 5 * LINE_BYTES + 5, 0),
    ];
    const { regions, inDoubt, decisions } = replayed(finished(7, 5000), prepared(1, ...writes));
    assert.deepEqual([regions, decisions], [[], []]);
    const shared = [{ inode: 6, index: 0, line: 9 }];
    const exclusive = [0, 1, 3].map((line) => ({ inode: 5, index: 1, line }));
    const common = { epoch: epochOf(1), decider: OTHER, shared, exclusive };
    assert.deepEqual(inDoubt, [{ position: 100, ...common, writes }]);
  });

  it("keeps a decision until it is finished", () => {
    const records = [prepared(1, writeOf(1)), committed(1, 0)];
    const decisions = [{ position: 100, epoch: epochOf(1), others: [OTHER] }];
    assert.deepEqual(replayed(...records), { regions: regionWith(writeOf(1)), inDoubt: [], decisions });
    assert.deepEqual(replayed(...records, finished(1, 100)).decisions, []);
  });

  it("keeps no decision that concerns nobody else", () => {
    const record = { kind: RECORD_KIND.COMMITTED, epoch: epochOf(1), prepared: 0, others: [] };
    assert.deepEqual(replayed(prepared(1, writeOf(1)), record).decisions, []);
  });

  it("tells epochs of one name apart", () => {
    const twice = [prepared(1, writeOf(1)), prepared(1, writeOf(2))];
    const { regions, inDoubt } = replayed(...twice, finished(1, 100));
    assert.deepEqual(regions, regionWith(writeOf(2)));
    assert.deepEqual(
      inDoubt.map(({ position }) => position),
      [0],
    );
  });

  it("leaves out what was flushed, by when it was committed", () => {
    const records = [prepared(1, writeOf(1)), alone(2, writeOf(2)), alone(3, writeOf(3)), flushed(200)];
    assert.deepEqual(replayed(...records).regions, regionWith(writeOf(3)));
    assert.deepEqual(replayed(...records, finished(1, 0)).regions, regionWith(writeOf(3), writeOf(1)));
    assert.deepEqual(replayed(...records, flushed(300)).regions, []);
    assert.deepEqual(replayed(...records, flushed(100)).regions, regionWith(writeOf(3)));
  });

  it("flushes one region only", () => {
    const elsewhere = { ...writeOf(2), index: 2 };
    const { regions } = replayed(alone(1, writeOf(1), elsewhere), flushed(100));
    assert.deepEqual(regions, [{ inode: 5, index: 2, writes: [elsewhere] }]);
  });

  it("needs nothing of records before the log's start", () => {
    const [, ...rest] = logged(prepared(1, writeOf(1)), committed(1, 0), finished(2, 0), finished(1, 100));
    assert.deepEqual(replay(rest), NOTHING);
  });

  it("reads what was appended to a log, round its ring", () => {
    const bytes = new Uint8Array(EPOCH_LOG_HEADER_BYTES + 640);
    const log = new EpochLog(bytes, "log", SECRET);
    assert.deepEqual(replay(log.recover()), NOTHING);
    settle(log);
    let lastAt = 0;
    for (let sequence = 1; sequence < 10; sequence += 1) {
      lastAt = log.end;
      const record = alone(sequence, writeOf(sequence, sequence, 200));
      assert.ok(log.append(record.kind, encodeRecord(record)) > 0);
      log.advance(lastAt);
      settle(log);
    }
    const next = new EpochLog(bytes, "log", SECRET);
    assert.deepEqual(replay(next.recover()).regions, regionWith(writeOf(9, 9, 200)));
    assert.equal(next.start, lastAt);
  });

  it("refuses records that contradict each other, and such as make no sense", () => {
    const decided = [prepared(1, writeOf(1)), committed(1, 0)];
    assert.throws(() => replayed(...decided, finished(1, 100, false)), isCorrupt);
    assert.throws(() => replayed(...decided, finished(2, 100)), isCorrupt);
    assert.throws(() => replayed(prepared(1), committed(2, 0)), isCorrupt);
    assert.throws(() => replayed(prepared(1), finished(2, 0, false)), isCorrupt);
    assert.throws(() => replay([{ position: 0, kind: 99, body: new Uint8Array(8) }]), isCorrupt);
  });
});

const write = fc
  .record({ index: fc.nat(1), at: fc.constantFrom(0, LINE_BYTES - 2, LINE_BYTES), fill: fc.nat(255) })
  .map(({ index, at, fill }) => ({ ...writeOf(fill, at), index }));
const writes = fc.array(write, { maxLength: 3 });
const pick = fc.nat();
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant("prepare" as const), writes }),
  fc.record({ kind: fc.constant("alone" as const), writes }),
  fc.record({ kind: fc.constant("commit" as const), pick, isKnown: fc.boolean() }),
  fc.record({ kind: fc.constant("finish" as const), pick, committed: fc.boolean() }),
  fc.record({ kind: fc.constant("flush" as const), pick, index: fc.nat(1) }),
);

/** Regions are in no order. */
function sorted({ regions, ...all }: Replayed): Replayed {
  return { ...all, regions: regions.toSorted((one, other) => one.index - other.index) };
}

test("long logs say what a naive model says, from any start that gives up nothing needed", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
      const model = new ReplayModel(SELF, OTHER);
      for (const next of events) model.apply(next);
      const records = logged(...model.records);
      const expected = sorted(model.result());
      assert.deepEqual(sorted(replay(records)), expected);
      for (const [i, { position }] of records.entries()) {
        if (position > model.neededFrom()) break;
        assert.deepEqual(sorted(replay(records.slice(i))), expected);
      }
    }),
    { numRuns: 500 },
  );
});
