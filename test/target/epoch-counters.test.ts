/** What operators see of a worker's epochs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { readHeat } from "../../src/structs/worker-counters.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { EpochFixture, HANDLE, OTHER, writeAt } from "./epoch-fixture.ts";

const { PREPARED, COMMITTED, ABORTED, CONFLICT } = EPOCH_ANSWER;
const DECIDER = { decider: OTHER };

function counted(fixture: EpochFixture) {
  const [committed, conflicts, aborted] = ["epochsCommitted", "epochConflicts", "epochsAborted"].map((name) =>
    fixture.count(name),
  );
  return { committed, conflicts, aborted, underWay: fixture.count("epochsUnderWay") };
}

test("epochs are counted by what became of them, and those under way as they are now", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const { versions } = origin.get(0, 1);
  const read = (version: number | undefined) => [{ handle: HANDLE, at: 0, version: version ?? -1 }];
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads: read(versions[0]) }), COMMITTED);
  assert.deepEqual(counted(fixture), { committed: 1, conflicts: 0, aborted: 0, underWay: 0 });
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] }), COMMITTED);
  assert.deepEqual(counted(fixture), { committed: 2, conflicts: 0, aborted: 0, underWay: 0 });
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads: read(versions[0]) }), CONFLICT);
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { reads: read(versions[0]) }), CONFLICT);
  assert.deepEqual(counted(fixture), { committed: 2, conflicts: 2, aborted: 0, underWay: 0 });
  const names = [1, 2].map(() => origin.name("c".repeat(32)));
  for (const [at, name] of names.entries()) {
    const claim = { ...DECIDER, writes: [writeAt(at * LINE_BYTES, 1)] };
    assert.equal(origin.tell("PREPARE", name, claim), PREPARED);
  }
  assert.equal(fixture.count("epochsUnderWay"), 2);
  assert.equal(origin.tell("FINISH_COMMITTED", names[0] as (typeof names)[0], DECIDER), COMMITTED);
  assert.equal(origin.tell("FINISH_ABORTED", names[1] as (typeof names)[0], DECIDER), ABORTED);
  assert.deepEqual(counted(fixture), { committed: 3, conflicts: 2, aborted: 1, underWay: 0 });
});

test("what is in doubt is under way, also in the next life, and until it is known what became of it", () => {
  const former = new EpochFixture();
  const origin = former.origin(1);
  assert.equal(
    origin.tell("PREPARE", origin.name("c".repeat(32)), { ...DECIDER, writes: [writeAt(0, 1)] }),
    PREPARED,
  );
  const fixture = new EpochFixture({ former });
  fixture.origin(1);
  assert.equal(fixture.count("epochsUnderWay"), 1);
  const key = fixture.take("epoch-enquire")?.key as string;
  fixture.say({ type: "epoch-outcome", key, answer: COMMITTED });
  assert.deepEqual(counted(fixture), { committed: 1, conflicts: 0, aborted: 0, underWay: 0 });
});

test("a decision that somebody has not finished is under way", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name();
  assert.equal(origin.tell("PREPARE", name, { writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(origin.tell("DECIDE", name, { others: [OTHER] }), COMMITTED);
  assert.deepEqual(counted(fixture), { committed: 1, conflicts: 0, aborted: 0, underWay: 1 });
  assert.equal(origin.tell("ACKNOWLEDGE", name, { others: [OTHER] }), 0);
  assert.deepEqual(counted(fixture), { committed: 1, conflicts: 0, aborted: 0, underWay: 0 });
});

test("the log tells how much it holds: what is written into it, until that is given back", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  assert.equal(fixture.count("epochLogBytes"), 0);
  const writes = [{ ...writeAt(0), bytes: new Uint8Array(60_000) }];
  origin.tell("COMMIT_ALONE", origin.name(), { writes });
  const once = fixture.count("epochLogBytes");
  assert.ok(once >= 60_000, `${once} bytes`);
  for (let again = 0; again < 20; again += 1) {
    origin.tell("COMMIT_ALONE", origin.name(), { writes });
    fixture.step(10);
    assert.ok(fixture.count("epochLogBytes") <= 1 << 20);
  }
});

test("regions have the heat of what epochs read and put there, and none for the messages of epochs", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const halves = new Uint32Array(fixture.counters.buffer);
  origin.get(0, 100);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1, 2, 3), writeAt(LINE_BYTES, 4)] });
  const { inode, gets, gotBytes, puts, putBytes, atomics } = readHeat(fixture.counters, halves, 1);
  // One version comes with the bytes.
  const expected = { inode: 7, gets: 1, gotBytes: 108, puts: 2, putBytes: 4, atomics: 0 };
  assert.deepEqual({ inode, gets, gotBytes, puts, putBytes, atomics }, expected);
  const { atomics: others } = readHeat(fixture.counters, halves, 0);
  assert.equal(others, 0);
});
