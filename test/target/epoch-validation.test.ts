/** An epoch that writes nothing asks each worker whether what it has read is still there, and nothing comes of that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { statusOf } from "../../src/std/errors.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { EpochFixture, type EpochOrigin, HANDLE, OTHER, SELF, writeAt } from "./epoch-fixture.ts";
import { command } from "./worker-fixture.ts";

const { PREPARED, COMMITTED, CONFLICT } = EPOCH_ANSWER;
const OK = 0;

/** What those lines are, as the origin reads them now. */
function readsOf(origin: EpochOrigin, ...lines: number[]) {
  return lines.map((line) => {
    const at = line * LINE_BYTES;
    return { handle: HANDLE, at, version: origin.get(at, 1).versions[0] as number };
  });
}

test("what nobody has written since is confirmed: without a log, a sync, or anything that is held", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const reads = readsOf(origin, 0, 3);
  fixture.drive.synced.length = 0;
  for (const stable of [false, true]) {
    assert.equal(origin.tell("VALIDATE", origin.name(), { reads, stable }), COMMITTED);
  }
  fixture.step(5);
  assert.equal(fixture.log, undefined, "nobody wants a log");
  assert.deepEqual(fixture.drive.synced, []);
  origin.put(0, new Uint8Array(16).fill(1));
});

test("it needs no room in the log, and waits for none that is being made", () => {
  const fixture = new EpochFixture();
  fixture.logStatus = statusOf("ERR_NO_SPACE");
  const origin = fixture.origin(1);
  assert.equal(
    origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] }),
    -statusOf("ERR_NO_SPACE"),
  );
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads: readsOf(origin, 0) }), COMMITTED);
});

test("what somebody has written is denied: in an epoch, plainly, or with half of it still on its way", () => {
  const fixture = new EpochFixture();
  const [origin, other] = [fixture.origin(1), fixture.origin(2)];
  const validate = (reads: ReturnType<typeof readsOf>): number =>
    origin.tell("VALIDATE", origin.name(), { reads });
  let reads = readsOf(origin, 0, 1);
  other.tell("COMMIT_ALONE", other.name(), { writes: [writeAt(LINE_BYTES, 1)] });
  assert.equal(validate(reads), CONFLICT);
  reads = readsOf(origin, 0, 1);
  other.put(0, new Uint8Array(16).fill(2));
  assert.equal(validate(reads), CONFLICT);
  reads = readsOf(origin, 0, 1);
  const payload = new Uint8Array(64).fill(3);
  const put = command({ opcode: OPCODE.PUT, handle: HANDLE, length: payload.length, payload });
  other.plain.send(put.subarray(0, put.length - 32));
  fixture.step(3);
  assert.equal(validate(reads), CONFLICT, "what was read may be a part of it");
  assert.equal(validate(readsOf(origin, 1)), COMMITTED, "others' lines are no matter");
});

test("what an epoch is about to write is denied, since it may be in place elsewhere; what one has read is not", () => {
  const fixture = new EpochFixture();
  const [origin, other] = [fixture.origin(1), fixture.origin(2)];
  const reads = readsOf(origin, 0);
  const name = other.name("c".repeat(32));
  assert.equal(other.tell("PREPARE", name, { decider: OTHER, writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads }), CONFLICT);
  other.tell("FINISH_ABORTED", name, { decider: OTHER });
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads }), COMMITTED);
  const reader = other.name("c".repeat(32));
  assert.equal(other.tell("PREPARE", reader, { decider: OTHER, reads }), PREPARED);
  assert.equal(origin.tell("VALIDATE", origin.name(), { reads }), COMMITTED);
});

test("what came in messages before it counts, and is forgotten with it", () => {
  const fixture = new EpochFixture();
  const [origin, other] = [fixture.origin(1), fixture.origin(2)];
  const [first, second] = [readsOf(origin, 0), readsOf(origin, 1)];
  const name = origin.name();
  assert.equal(origin.tell("MORE", name, { reads: first }), OK);
  other.put(0, new Uint8Array(16).fill(1));
  assert.equal(origin.tell("VALIDATE", name, { reads: second }), CONFLICT);
  assert.equal(origin.tell("VALIDATE", name, { reads: second }), COMMITTED);
});

test("what writes all the same is refused, and has no effect", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const protocol = -statusOf("ERR_PROTOCOL");
  assert.equal(origin.tell("VALIDATE", origin.name(), { writes: [writeAt(0, 1)] }), protocol);
  const name = origin.name();
  assert.equal(origin.tell("MORE", name, { writes: [writeAt(0, 1)] }), OK);
  assert.equal(origin.tell("VALIDATE", name, { decider: SELF }), protocol);
  assert.equal(fixture.region(7).bytes[0], 0);
});
