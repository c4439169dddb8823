import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { statusOf } from "../../src/std/errors.ts";
import type { FromWorker } from "../../src/target/messages.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { EpochFixture, HANDLE, OTHER, SELF, writeAt } from "./epoch-fixture.ts";
import { command, READ_ONLY, secretOf } from "./worker-fixture.ts";

const { PREPARED, COMMITTED, ABORTED, CONFLICT, REFUSED } = EPOCH_ANSWER;
const filled = (byte: number, length = 16): Uint8Array => new Uint8Array(length).fill(byte);

test("an epoch of one participant takes effect as a whole, and its lines' versions say so", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const { bytes } = fixture.region(7);
  const before = origin.get(0, 3 * LINE_BYTES).versions;
  const writes = [writeAt(5, 1, 2, 3), writeAt(2 * LINE_BYTES - 1, 4, 5)];
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes }), COMMITTED);
  assert.deepEqual([...bytes.subarray(4, 9)], [0, 1, 2, 3, 0]);
  assert.deepEqual([...bytes.subarray(2 * LINE_BYTES - 1, 2 * LINE_BYTES + 1)], [4, 5]);
  const after = origin.get(0, 3 * LINE_BYTES).versions;
  assert.ok(after.every((version, line) => version > (before[line] as number)));
});

test("what is stable is in the log, durably, before it is answered; what is not costs no sync", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] }), COMMITTED);
  const { synced } = fixture.drive;
  synced.length = 0;
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 2)] }), COMMITTED);
  fixture.step(5);
  assert.deepEqual(synced, []);
  assert.equal(
    origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 3)], stable: true }),
    COMMITTED,
  );
  assert.deepEqual(synced, [fixture.log?.descriptor]);
});

test("epochs that come while the log is synced share the next sync", () => {
  const fixture = new EpochFixture({ bufferBytes: 1 << 20 });
  const origin = fixture.origin(1);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)], stable: true });
  const { synced } = fixture.drive;
  synced.length = 0;
  const epochs = Array.from({ length: 20 }, (_, i) =>
    origin.message("COMMIT_ALONE", origin.name(), {
      writes: [writeAt((i % 8) * LINE_BYTES, i)],
      stable: true,
    }),
  );
  origin.epochs.send(Buffer.concat(epochs));
  const answers = Array.from({ length: 20 }, () => {
    fixture.nowMs += 1;
    return origin.answer();
  });
  assert.equal(answers.filter((answer) => answer === COMMITTED).length, 8);
  assert.ok(answers.every((answer) => answer === COMMITTED || answer === CONFLICT));
  assert.ok(synced.length <= 2, `${synced.length} syncs`);
});

test("whoever writes what was read, plainly or in an epoch, makes the reader's epoch a conflict", () => {
  const fixture = new EpochFixture();
  const [reader, writer] = [fixture.origin(1), fixture.origin(2)];
  const commitAfter = (change: () => void): number => {
    const [version = 0] = reader.get(LINE_BYTES, 100).versions;
    change();
    const reads = [{ handle: HANDLE, at: LINE_BYTES, version }];
    return reader.tell("COMMIT_ALONE", reader.name(), { reads, writes: [writeAt(0, 1)] });
  };
  assert.equal(
    commitAfter(() => {}),
    COMMITTED,
  );
  assert.equal(
    commitAfter(() => writer.put(LINE_BYTES + 50, filled(9))),
    CONFLICT,
  );
  const word = { handle: HANDLE, offset: LINE_BYTES, length: 8 };
  const plain = (fields: { opcode: number; flags?: number }) => () =>
    void writer.plain.call({ ...word, ...fields });
  assert.equal(commitAfter(plain({ opcode: OPCODE.PUT })), CONFLICT);
  assert.equal(commitAfter(plain({ opcode: OPCODE.FETCH_OP })), CONFLICT);
  assert.equal(commitAfter(plain({ opcode: OPCODE.COMPARE_AND_SWAP })), CONFLICT);
  assert.equal(
    commitAfter(() => void writer.plain.call({ ...word, opcode: OPCODE.ACCUMULATE, payload: filled(1, 8) })),
    CONFLICT,
  );
  const other = { writes: [writeAt(LINE_BYTES, 7)] };
  assert.equal(
    commitAfter(() => void writer.tell("COMMIT_ALONE", writer.name(), other)),
    CONFLICT,
  );
  assert.equal(commitAfter(plain({ opcode: OPCODE.GET })), COMMITTED);
});

test("a plain write that has begun and not ended is a conflict for its lines, and counts when it ends, however it does", () => {
  const fixture = new EpochFixture();
  const [reader, writer] = [fixture.origin(1), fixture.origin(2)];
  const whole = command({
    opcode: OPCODE.PUT,
    handle: HANDLE,
    length: 2 * LINE_BYTES,
    payload: filled(3, 2 * LINE_BYTES),
  });
  const [, version = 0] = reader.get(0, 2 * LINE_BYTES).versions;
  writer.plain.send(whole.subarray(0, 64 + LINE_BYTES + 100));
  fixture.step();
  const reads = [{ handle: HANDLE, at: LINE_BYTES + 50, version }];
  assert.equal(reader.tell("COMMIT_ALONE", reader.name(), { reads }), CONFLICT);
  const [, beside = 0] = reader.get(0, 2 * LINE_BYTES).versions;
  writer.plain.stream.close();
  fixture.step(3);
  const late = [{ handle: HANDLE, at: LINE_BYTES + 50, version: beside }];
  assert.equal(reader.tell("COMMIT_ALONE", reader.name(), { reads: late }), CONFLICT);
});

test("two participants: what was prepared has effect once it is finished, and until then holds its lines", () => {
  const fixture = new EpochFixture();
  const [origin, beside] = [fixture.origin(1), fixture.origin(2)];
  const { bytes } = fixture.region(7);
  const name = origin.name("c".repeat(32));
  const [version = 0] = origin.get(3 * LINE_BYTES, 8).versions;
  const reads = [{ handle: HANDLE, at: 3 * LINE_BYTES, version }];
  assert.equal(origin.tell("PREPARE", name, { decider: OTHER, reads, writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(beside.tell("COMMIT_ALONE", beside.name(), { writes: [writeAt(9, 1)] }), CONFLICT);
  assert.equal(
    beside.tell("COMMIT_ALONE", beside.name(), { writes: [writeAt(3 * LINE_BYTES, 1)] }),
    CONFLICT,
  );
  // What it has written, and what it has read: plain writes of neither get through, reads and other lines do.
  beside.sendPut(100, filled(8));
  const third = fixture.origin(3);
  third.sendPut(3 * LINE_BYTES, filled(8));
  fixture.origin(4).put(5 * LINE_BYTES, filled(8));
  fixture.step(20);
  assert.equal(beside.plain.tryAnswer(), undefined);
  assert.equal(third.plain.tryAnswer(), undefined);
  assert.deepEqual([bytes[0], bytes[100], bytes[3 * LINE_BYTES]], [0, 0, 0]);
  assert.equal(origin.tell("FINISH_COMMITTED", name), COMMITTED);
  assert.equal(beside.plain.answer().status, 0);
  assert.equal(third.plain.answer().status, 0);
  assert.deepEqual([bytes[0], bytes[100], bytes[3 * LINE_BYTES]], [1, 8, 8]);
});

test("what was prepared and is aborted has no effect, and lets its lines go", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name("c".repeat(32));
  assert.equal(origin.tell("PREPARE", name, { decider: OTHER, writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(origin.tell("FINISH_ABORTED", name), ABORTED);
  assert.equal(fixture.region(7).bytes[0], 0);
  assert.equal(origin.tell("FINISH_COMMITTED", name), REFUSED);
  origin.put(0, filled(2));
});

test("the decider decides, remembers it for the others, and asks those who do not say that they have finished", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name();
  assert.equal(origin.tell("PREPARE", name, { writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(origin.tell("DECIDE", name, { others: [OTHER] }), COMMITTED);
  assert.equal(fixture.region(7).bytes[0], 1);
  fixture.say({ type: "epoch-enquiry", id: 5, name });
  assert.deepEqual(fixture.take("epoch-enquired"), { type: "epoch-enquired", id: 5, answer: COMMITTED });
  fixture.nowMs += 120_000;
  fixture.step(2);
  assert.deepEqual(fixture.take("epoch-ask-finish"), { type: "epoch-ask-finish", name, participant: OTHER });
  fixture.say({ type: "epoch-acknowledged", name, participant: OTHER });
  fixture.nowMs += 120_000;
  fixture.step(2);
  assert.equal(fixture.take("epoch-ask-finish"), undefined);
});

test("an enquiry about what was not decided makes that impossible", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name();
  assert.equal(origin.tell("PREPARE", name, { writes: [writeAt(0, 1)] }), PREPARED);
  fixture.say({ type: "epoch-enquiry", id: 1, name });
  assert.equal(fixture.take("epoch-enquired")?.answer, ABORTED);
  assert.equal(origin.tell("DECIDE", name, { others: [OTHER] }), ABORTED);
  assert.equal(fixture.region(7).bytes[0], 0);
});

test("where the origin goes, a participant asks the decider and does what it says", () => {
  for (const answer of [COMMITTED, ABORTED]) {
    const fixture = new EpochFixture();
    const [origin, beside] = [fixture.origin(1), fixture.origin(2)];
    const name = origin.name("c".repeat(32));
    assert.equal(origin.tell("PREPARE", name, { decider: OTHER, writes: [writeAt(0, 1)] }), PREPARED);
    beside.sendPut(100, filled(8));
    fixture.say({ type: "session-close", session: 1 });
    fixture.step(3);
    const asked = fixture.take("epoch-enquire");
    assert.deepEqual([asked?.name, asked?.decider], [name, OTHER]);
    fixture.say({ type: "epoch-outcome", key: asked?.key as string, answer });
    assert.equal(beside.plain.answer().status, 0);
    assert.equal(fixture.region(7).bytes[0], answer === COMMITTED ? 1 : 0);
  }
});

test("a life after a crash holds what was promised, serves nothing before it has read the log, and asks", () => {
  const former = new EpochFixture();
  const origin = former.origin(1);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(9, 9)] });
  const name = origin.name("c".repeat(32));
  const prepared = { decider: OTHER, writes: [writeAt(0, 1)], stable: true };
  assert.equal(origin.tell("PREPARE", name, prepared), PREPARED);
  const fixture = new EpochFixture({ former });
  const beside = fixture.origin(2);
  beside.sendPut(100, filled(8));
  fixture.step(20);
  assert.equal(beside.plain.tryAnswer(), undefined);
  const asked = fixture.take("epoch-enquire");
  assert.deepEqual([asked?.name, asked?.decider], [name, OTHER]);
  fixture.say({ type: "epoch-outcome", key: asked?.key as string, answer: COMMITTED });
  assert.equal(beside.plain.answer().status, 0);
  assert.deepEqual([fixture.region(7).bytes[0], fixture.region(7).bytes[9]], [1, 9]);
});

test("before the log's new beginning is durable no window is bound: who may store could be overwritten by the next life", () => {
  const former = new EpochFixture();
  const origin = former.origin(1);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(9, 9)] });
  const fixture = new EpochFixture({ former });
  fixture.openSession(2);
  const { inode, byteLength, descriptor } = fixture.region(7);
  const region = { inode, index: 0, byteLength, descriptor, durable: true };
  fixture.orders.post({ type: "bind", session: 2, handle: 1, region, at: 0, byteLength, rights: READ_ONLY });
  let said: FromWorker | undefined;
  let syncs = 0;
  for (; said === undefined && syncs < 10; syncs += 1) {
    for (let i = 0; i < 10; i += 1) fixture.plane.doWork(0);
    said = fixture.orders.poll();
    fixture.syncer.doWork();
  }
  assert.equal(said?.type, "bound");
  // What was read, the log's own life, and then where it begins, in both copies of its header.
  assert.ok(syncs > 4, `after ${syncs} syncs`);
});

test("a stable flush of a region with epochs in the log waits for its own sync, then for the log to say so", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] });
  const { synced } = fixture.drive;
  synced.length = 0;
  const flush = { opcode: OPCODE.FLUSH, flags: 1, handle: HANDLE };
  assert.equal(origin.plain.call(flush).status, 0);
  assert.deepEqual(synced, [fixture.region(7).descriptor, fixture.log?.descriptor]);
  synced.length = 0;
  assert.equal(origin.plain.call(flush).status, 0);
  assert.deepEqual(synced, [fixture.region(7).descriptor]);
});

test("hostile messages are refused, each with its reason, and change nothing", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const reader = fixture.origin(2, 7, READ_ONLY);
  const name = origin.name();
  const refused = (fields: Parameters<typeof origin.tell>[2]): number =>
    origin.tell("COMMIT_ALONE", name, fields);
  assert.equal(refused({ writes: [{ ...writeAt(0, 1), handle: 99 }] }), -statusOf("ERR_BAD_HANDLE"));
  assert.equal(refused({ writes: [writeAt(16 * LINE_BYTES, 1)] }), -statusOf("ERR_RANGE"));
  assert.equal(refused({ reads: [{ handle: HANDLE, at: 2 ** 52, version: 0 }] }), -statusOf("ERR_RANGE"));
  assert.equal(
    reader.tell("COMMIT_ALONE", reader.name(), { writes: [writeAt(0, 1)] }),
    -statusOf("ERR_RIGHTS"),
  );
  assert.equal(origin.tell("COMMIT_ALONE", { ...name, session: 2 }, { writes: [writeAt(0, 1)] }), REFUSED);
  assert.equal(
    origin.tell("ACKNOWLEDGE", { ...name, session: 2 }, { others: [SELF] }),
    -statusOf("ERR_PROTOCOL"),
  );
  const others = new Array(64).fill(OTHER);
  assert.equal(origin.tell("DECIDE", name, { others }), -statusOf("ERR_TOO_MANY"));
  const nonsense = { opcode: OPCODE.EPOCH, length: 100, payload: filled(255, 100) };
  assert.equal(origin.epochs.call(nonsense).status, statusOf("ERR_PROTOCOL"));
  assert.ok(fixture.region(7).bytes.every((byte) => byte === 0));
  assert.equal(refused({ writes: [writeAt(0, 1)] }), COMMITTED);
});

test("what comes in several messages is one epoch; too much of it is refused and forgotten", () => {
  const fixture = new EpochFixture({ ringBytes: 64 << 20, bufferBytes: 4 << 20 });
  const origin = fixture.origin(1);
  const name = origin.name();
  assert.equal(origin.tell("MORE", name, { writes: [writeAt(1, 1)] }), 0);
  assert.equal(origin.tell("MORE", name, { writes: [writeAt(2, 2)] }), 0);
  assert.equal(origin.tell("COMMIT_ALONE", name, { writes: [writeAt(3, 3)] }), COMMITTED);
  assert.deepEqual([...fixture.region(7).bytes.subarray(0, 5)], [0, 1, 2, 3, 0]);
  const large = origin.name();
  const much = { writes: Array.from({ length: 15 }, () => writeAt(0, ...filled(7, 16 * LINE_BYTES))) };
  let answer = 0;
  for (let i = 0; i < 20 && answer === 0; i += 1) answer = origin.tell("MORE", large, much);
  assert.equal(answer, -statusOf("ERR_TOO_MANY"));
  assert.equal(origin.tell("COMMIT_ALONE", large, { writes: [writeAt(4, 4)] }), COMMITTED);
  assert.deepEqual([...fixture.region(7).bytes.subarray(0, 6)], [0, 1, 2, 3, 4, 0]);
});

test("who may only read a line holds its writers up for some seconds at most, and not again before they have written", () => {
  const fixture = new EpochFixture();
  const reader = fixture.origin(1, 7, READ_ONLY);
  const writer = fixture.origin(2);
  const [version = 0] = reader.get(0, 8).versions;
  const claim = { decider: OTHER, reads: [{ handle: HANDLE, at: 0, version }] };
  const first = reader.name("c".repeat(32));
  assert.equal(reader.tell("PREPARE", first, claim), PREPARED);
  writer.sendPut(100, filled(8));
  fixture.step(5);
  // It shares the line with the first, and would hold it when that has ended.
  assert.equal(reader.tell("PREPARE", reader.name("c".repeat(32)), claim), CONFLICT);
  assert.equal(writer.plain.tryAnswer(), undefined);
  fixture.nowMs += 5000;
  fixture.step(5);
  const asked = fixture.take("epoch-enquire");
  assert.deepEqual(asked?.name, first);
  fixture.orders.post({ type: "epoch-outcome", key: asked?.key as string, answer: ABORTED });
  assert.equal(writer.plain.answer().status, 0);
  // The same where the next one comes right behind the end of the first.
  const [now = 0] = reader.get(0, 8).versions;
  const again = { decider: OTHER, reads: [{ handle: HANDLE, at: 0, version: now }] };
  const second = reader.name("c".repeat(32));
  assert.equal(reader.tell("PREPARE", second, again), PREPARED);
  writer.sendPut(100, filled(9));
  fixture.step(5);
  const end = reader.message("FINISH_ABORTED", second);
  reader.epochs.send(Buffer.concat([end, reader.message("PREPARE", reader.name("c".repeat(32)), again)]));
  assert.deepEqual([reader.answer(), reader.answer()], [ABORTED, CONFLICT]);
  assert.equal(writer.plain.answer().status, 0);
});

test("a session with too many epochs under way keeps nobody else out", () => {
  const fixture = new EpochFixture({ ringBytes: 16 << 20 });
  const [greedy, beside] = [fixture.origin(1), fixture.origin(2)];
  let answer: number = PREPARED;
  let count = 0;
  for (; answer === PREPARED && count < 4096; count += 1)
    answer = greedy.tell("PREPARE", greedy.name("c".repeat(32)), { decider: OTHER });
  assert.equal(answer, EPOCH_ANSWER.FULL);
  assert.equal(beside.tell("PREPARE", beside.name("c".repeat(32)), { decider: OTHER }), PREPARED);
  assert.equal(beside.tell("COMMIT_ALONE", beside.name(), { writes: [writeAt(0, 1)] }), COMMITTED);
  const over = { incarnation: "c".repeat(32), session: 1, secret: secretOf(1), sequence: 1 };
  assert.equal(greedy.tell("FINISH_ABORTED", over), ABORTED);
  assert.equal(greedy.tell("PREPARE", greedy.name("c".repeat(32)), { decider: OTHER }), PREPARED);
});

test("participants that are never heard of are asked ever more rarely", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name();
  assert.equal(origin.tell("PREPARE", name, { writes: [writeAt(0, 1)] }), PREPARED);
  assert.equal(origin.tell("DECIDE", name, { others: [OTHER] }), COMMITTED);
  let asked = 0;
  for (let second = 0; second < 600; second += 1) {
    fixture.nowMs += 1000;
    fixture.step();
    for (; fixture.take("epoch-ask-finish") !== undefined; asked += 1);
  }
  assert.ok(asked >= 10 && asked <= 20, `${asked} times in ten minutes`);
});

test("messages full of writes of nothing count for what they take in memory", () => {
  const fixture = new EpochFixture({ bufferBytes: 4 << 20 });
  const origin = fixture.origin(1);
  const nothing = { writes: new Array(60_000).fill(writeAt(0)) };
  const name = origin.name();
  assert.equal(origin.tell("MORE", name, nothing), 0);
  assert.equal(origin.tell("MORE", name, nothing), -statusOf("ERR_TOO_MANY"));
  const tiny = { writes: [writeAt(0, 1)] };
  assert.equal(origin.tell("COMMIT_ALONE", name, tiny), COMMITTED);
});

test("where no log can be made the epochs that need it say why, and all else goes on", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  fixture.logStatus = statusOf("ERR_NO_SPACE");
  const writes = [writeAt(0, 1)];
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes }), -statusOf("ERR_NO_SPACE"));
  origin.put(0, filled(2));
  fixture.logStatus = 0;
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes }), COMMITTED);
});

test("what comes while the log is made keeps its order", () => {
  const fixture = new EpochFixture();
  fixture.logIsSlow = true;
  const origin = fixture.origin(1);
  const name = origin.name("c".repeat(32));
  origin.epochs.send(origin.message("MORE", name, { writes: [writeAt(0, 1)] }));
  origin.epochs.send(origin.message("PREPARE", name, { decider: OTHER, writes: [writeAt(1, 1)] }));
  origin.epochs.send(origin.message("FINISH_ABORTED", name));
  fixture.step(5);
  fixture.makeLog();
  assert.deepEqual([origin.answer(), origin.answer(), origin.answer()], [0, ABORTED, ABORTED]);
  assert.equal(fixture.region(7).bytes[0], 0);
  origin.put(0, filled(2));
});

test("of a session that ends while the log is made nothing is taken, wherever its regions have gone", () => {
  const fixture = new EpochFixture();
  fixture.logIsSlow = true;
  const origin = fixture.origin(1);
  const name = origin.name();
  origin.epochs.send(origin.message("COMMIT_ALONE", name, { writes: [writeAt(0, 1)] }));
  fixture.step(5);
  fixture.say({ type: "session-close", session: 1 });
  fixture.say({ type: "unmap", inode: 7, index: 0 });
  assert.ok(fixture.take("unmapped"));
  fixture.makeLog();
  fixture.step(10);
  assert.equal(fixture.region(7).bytes[0], 0);
  const again = fixture.origin(2);
  assert.equal(again.tell("COMMIT_ALONE", again.name(), { writes: [writeAt(0, 2)] }), COMMITTED);
});

test("messages that do not come to their end have only so much memory, and give it back", () => {
  const fixture = new EpochFixture({ bufferBytes: 1 << 20 });
  const origin = fixture.origin(1);
  const begun = command({
    opcode: OPCODE.EPOCH,
    length: 1 << 20,
    payload: filled(0, 100),
    payloadBytes: 1 << 20,
  });
  const clients = Array.from({ length: 30 }, (_, session) => {
    const token = fixture.openSession(10 + session);
    return Array.from({ length: 10 }, () => {
      // Crowds at the door are let in little by little.
      fixture.nowMs += 1;
      return fixture.enter(10 + session, token);
    });
  }).flat();
  for (const client of clients) client.send(begun);
  fixture.step(5);
  const writes = [{ handle: HANDLE, at: 0, bytes: filled(1, 16 * LINE_BYTES) }];
  const full = origin.tell("COMMIT_ALONE", origin.name(), { writes: new Array(15).fill(writes[0]) });
  assert.equal(full, -statusOf("ERR_TOO_MANY"));
  for (const client of clients) client.stream.close();
  fixture.step(5);
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes }), COMMITTED);
});

test("where a sync of the log fails, what waits for it is told, and nothing is promised any more", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const stable = { writes: [writeAt(0, 1)], stable: true };
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), stable), COMMITTED);
  fixture.drive.failSyncs = true;
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), stable), -statusOf("ERR_IO"));
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] }), -statusOf("ERR_IO"));
  assert.ok(fixture.take("epoch-log-failed"));
});

test("a worker whose log has failed rests, whatever was promised before", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = origin.name("c".repeat(32));
  assert.equal(origin.tell("PREPARE", name, { decider: OTHER, writes: [writeAt(0, 1)] }), PREPARED);
  fixture.drive.failSyncs = true;
  const stable = { writes: [writeAt(LINE_BYTES, 1)], stable: true };
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), stable), -statusOf("ERR_IO"));
  fixture.step(5);
  for (let i = 0; i < 10; i += 1) {
    fixture.nowMs += 10_000;
    assert.equal(fixture.plane.doWork(fixture.nowMs), 0);
  }
});

test("many laps of the log: what regions have durably is given back", () => {
  const fixture = new EpochFixture({ ringBytes: 64 << 10 });
  const origin = fixture.origin(1);
  for (let i = 0; i < 500; i += 1) {
    const bytes = filled(i, 1000);
    assert.equal(
      origin.tell("COMMIT_ALONE", origin.name(), {
        writes: [{ handle: HANDLE, at: 0, bytes }],
        stable: i % 3 === 0,
      }),
      COMMITTED,
      `epoch ${i}`,
    );
  }
});

test("a region with epochs in the log is unmapped once a sync covers them", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] });
  const { synced } = fixture.drive;
  synced.length = 0;
  fixture.say({ type: "unbind", session: 1, handle: HANDLE, revoked: false });
  fixture.say({ type: "unmap", inode: 7, index: 0 });
  fixture.step(5);
  assert.ok(fixture.take("unmapped"));
  assert.deepEqual(synced, [fixture.region(7).descriptor, fixture.log?.descriptor]);
});
