import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { decodeNotice, encodeQueue, NOTICE_BYTES, type QueueRequest } from "../../src/wire/notifications.ts";
import { type Answer, command, type RawClient, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 200_000;
const INODE = 5;
const [TOO_MANY, UNBOUND, REVOKED] = [
  statusOf("ERR_TOO_MANY"),
  statusOf("ERR_BAD_HANDLE"),
  statusOf("ERR_REVOKED"),
];

/** A worker with a region, and two sessions that have bound it: one reads queues, over TCP, the other notifies. */
function shared() {
  const fixture = new WorkerFixture();
  const { descriptor, bytes } = fixture.createRegion(INODE, BYTES);
  const region = { inode: INODE, descriptor, byteLength: BYTES };
  const enter = (session: number, kind: "unix" | "tcp"): RawClient => {
    const token = fixture.openSession(session);
    assert.equal(fixture.bind(session, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
    return fixture.enter(session, token, kind);
  };
  return { fixture, bytes, reader: enter(1, "tcp"), sender: enter(2, "unix") };
}

function open(client: RawClient, request: Partial<QueueRequest> = {}, handle = 1): number {
  const whole = { at: 0, length: BYTES, number: 1, capacity: 4, tag: undefined, source: undefined };
  const payload = encodeQueue({ ...whole, ...request });
  return client.call({ opcode: OPCODE.QUEUE_OPEN, tag: 1, handle, length: payload.length, payload }).status;
}

function put(client: RawClient, tag: number, offset = 0, payload = new Uint8Array(0)): void {
  const { length } = payload;
  const fields = { opcode: OPCODE.PUT_NOTIFY, tag, handle: 1, offset, length, notification: tag };
  client.send(command({ ...fields, payload }));
}

function next(client: RawClient, tag: number, waitMs = 60_000, number = 1): void {
  const length = 64 * NOTICE_BYTES;
  const fields = { opcode: OPCODE.NOTIFY_NEXT, tag, length, operand: BigInt(number) };
  client.send(command({ ...fields, compare: BigInt(waitMs) }));
}

function toldTags({ status, value, payload }: Answer): number[] {
  assert.equal(status, 0);
  assert.equal(BigInt(payload.length), value * BigInt(NOTICE_BYTES));
  return Array.from({ length: Number(value) }, (_, place) => decodeNotice(payload, place).tag);
}

function nothingCame(fixture: WorkerFixture, client: RawClient): void {
  fixture.step(20);
  client.receive();
  assert.equal(client.tryAnswer(), undefined);
}

test("a notified put is one message each way, and wakes who waits with one more, behind the bytes", () => {
  const { fixture, bytes, reader, sender } = shared();
  assert.equal(open(reader), 0);
  next(reader, 7);
  nothingCame(fixture, reader);
  const names = ["unixBytesIn", "unixBytesOut", "tcpBytesIn", "tcpBytesOut"];
  const before = names.map((name) => fixture.count(name));
  put(sender, 9, 100, new Uint8Array(1000).fill(3));
  const { tag, status } = sender.answer();
  assert.deepEqual([tag, status], [9, 0]);
  const told = reader.answer();
  assert.equal(told.tag, 7);
  const { source, ...notice } = decodeNotice(told.payload, 0);
  assert.deepEqual(notice, { at: 100, length: 1000, before: 0, sequence: 0, stamp: 0, tag: 9 });
  assert.ok(bytes.subarray(100, 1100).every((byte) => byte === 3));
  assert.deepEqual(
    names.map((name, i) => fixture.count(name) - (before[i] as number)),
    [64 + 1000, 64, 0, 64 + NOTICE_BYTES],
  );
});

test("nobody is told before the last byte of a long put has come", () => {
  const { fixture, reader, sender } = shared();
  assert.equal(open(reader), 0);
  next(reader, 7);
  const length = 150_000;
  const frame = command({
    opcode: OPCODE.PUT_NOTIFY,
    tag: 1,
    handle: 1,
    length,
    notification: 5,
    compare: 11n,
    payload: new Uint8Array(length).fill(1),
  });
  sender.send(frame.subarray(0, frame.length - 1));
  nothingCame(fixture, reader);
  sender.send(frame.subarray(frame.length - 1));
  const { before, tag } = decodeNotice(reader.answer().payload, 0);
  assert.deepEqual([before, tag], [11, 5]);
});

test("a full queue holds up the answer, and nothing else of the connection", () => {
  const { fixture, reader, sender } = shared();
  assert.equal(open(reader, { capacity: 2 }), 0);
  for (const tag of [1, 2, 3, 4]) put(sender, tag);
  assert.deepEqual([sender.answer().tag, sender.answer().tag], [1, 2]);
  nothingCame(fixture, sender);
  assert.equal(sender.call({ opcode: OPCODE.GET, tag: 50, handle: 1, length: 8 }).tag, 50);
  assert.equal(fixture.count("notificationsWaiting"), 2);
  next(reader, 7);
  assert.deepEqual(toldTags(reader.answer()), [1, 2]);
  assert.deepEqual([sender.answer().tag, sender.answer().tag], [3, 4]);
  next(reader, 8);
  assert.deepEqual(toldTags(reader.answer()), [3, 4]);
  next(reader, 9, 0);
  assert.deepEqual(toldTags(reader.answer()), [], "nothing came in time");
});

test("a get that notifies answers with the bytes of the moment when it came, however long it waits for room", () => {
  const { fixture, reader, sender, bytes } = shared();
  bytes.fill(1, 0, 100);
  assert.equal(open(reader, { capacity: 1 }), 0);
  put(sender, 1);
  assert.equal(sender.answer().tag, 1);
  for (const length of [8, 100])
    sender.send(command({ opcode: OPCODE.GET_NOTIFY, tag: length, handle: 1, length, notification: length }));
  nothingCame(fixture, sender);
  assert.equal(
    reader.call({ opcode: OPCODE.PUT, tag: 60, handle: 1, length: 100, payload: new Uint8Array(100) }).status,
    0,
  );
  next(reader, 7);
  assert.deepEqual(toldTags(reader.answer()), [1]);
  assert.equal(sender.answer().value, 0x0101_0101_0101_0101n);
  next(reader, 8);
  assert.deepEqual(toldTags(reader.answer()), [8]);
  assert.deepEqual(sender.answer().payload, new Uint8Array(100).fill(1));
  assert.equal(fixture.count("notificationsWaiting"), 0);
});

test("closing a queue is answered before all that it leads to, on a connection with as much under way as may be", () => {
  const { fixture, reader } = shared();
  assert.equal(open(reader, { capacity: 1 }), 0);
  for (let tag = 0; tag < 600; tag += 1) put(reader, tag);
  reader.send(command({ opcode: OPCODE.QUEUE_CLOSE, tag: 9999, operand: 1n }));
  const tags = Array.from({ length: 601 }, () => reader.answer().tag);
  assert.deepEqual(tags.splice(1, 1), [9999]);
  assert.deepEqual(tags, [...tags.keys()]);
  assert.equal(fixture.count("queues"), 0);
});

test("a session that ends takes its queues and what it waits for; others go on", () => {
  const { fixture, reader, sender } = shared();
  assert.equal(open(reader, { capacity: 1 }), 0);
  assert.equal(open(sender, { capacity: 1, number: 4, at: 1000, length: 10 }), 0);
  for (const tag of [1, 2, 3]) put(sender, tag);
  assert.equal(sender.answer().tag, 1);
  fixture.order({ type: "session-close", session: 1 });
  assert.deepEqual([sender.answer().tag, sender.answer().tag], [2, 3]);
  put(sender, 4, 1001);
  assert.equal(sender.answer().tag, 4);
  next(sender, 5, 60_000, 4);
  assert.deepEqual(toldTags(sender.answer()), [4]);
  assert.equal(fixture.count("queues"), 1);
});

test("a window that goes takes its queues, and says why to who waits", () => {
  const { fixture, reader, sender } = shared();
  assert.equal(open(reader), 0);
  next(reader, 7);
  nothingCame(fixture, reader);
  fixture.order({ type: "unbind", session: 1, handle: 1, revoked: true });
  assert.equal(reader.answer().status, REVOKED);
  assert.equal(open(reader), REVOKED);
  next(reader, 8);
  assert.equal(reader.answer().status, UNBOUND);
  put(sender, 1);
  assert.equal(sender.answer().status, 0);
});

test("what is too much is refused, and changes nothing", () => {
  const { fixture, bytes, reader, sender } = shared();
  assert.equal(open(reader, { capacity: 0 }), TOO_MANY);
  assert.equal(open(reader, { capacity: 16_385 }), TOO_MANY);
  assert.equal(open(reader, { at: 1, length: BYTES }), statusOf("ERR_RANGE"));
  assert.equal(open(reader, {}, 3), UNBOUND);
  assert.equal(open(reader, { capacity: 1 }), 0);
  assert.equal(open(reader), statusOf("ERR_INVALID_ARGUMENT"), "the number is taken");
  next(reader, 7);
  for (let tag = 0; tag < 2 + 1024; tag += 1) put(sender, tag);
  assert.deepEqual(toldTags(reader.answer()), [0]);
  assert.deepEqual([sender.answer().tag, sender.answer().tag], [0, 1]);
  nothingCame(fixture, sender);
  put(sender, 5000, 0, new Uint8Array(100).fill(9));
  const { tag, status } = sender.answer();
  assert.deepEqual([tag, status], [5000, TOO_MANY]);
  assert.equal(bytes[0], 0, "and nothing was put");
  const wait = { opcode: OPCODE.PUT_NOTIFY, tag: 1, handle: 1, length: 0, compare: 2n ** 53n };
  assert.equal(sender.call(wait).status, statusOf("ERR_RANGE"), "so much cannot have come before");
  const large = { opcode: OPCODE.GET_NOTIFY, tag: 1, handle: 1, length: 65_537 };
  assert.equal(sender.call(large).status, statusOf("ERR_RANGE"));
});

test("what no client sends ends the session", () => {
  const queue = encodeQueue({ at: 0, length: 1, number: 1, capacity: 1, tag: undefined, source: undefined });
  const frames = [
    command({ opcode: OPCODE.PUT_NOTIFY, handle: 1, flags: 2 }),
    command({ opcode: OPCODE.PUT, handle: 1, flags: 1 }),
    command({ opcode: OPCODE.PUT_NOTIFY, handle: 1, flags: 1, length: 9, payload: new Uint8Array(9) }),
    command({ opcode: OPCODE.PUT_NOTIFY, handle: 1, length: 9 }),
    command({ opcode: OPCODE.GET_NOTIFY, handle: 1, length: 9, payload: new Uint8Array(9) }),
    command({ opcode: OPCODE.GET, handle: 1, length: 9, notification: 1 }),
    command({ opcode: OPCODE.QUEUE_OPEN, handle: 1, length: 64, payload: queue.subarray(1) }),
    command({ opcode: OPCODE.QUEUE_OPEN, handle: 1, length: 63, payload: queue }),
    command({ opcode: OPCODE.QUEUE_CLOSE, flags: 1 }),
    command({ opcode: OPCODE.NOTIFY_NEXT, length: 0 }),
    command({ opcode: OPCODE.NOTIFY_NEXT, length: 65 }),
    command({ opcode: OPCODE.NOTIFY_NEXT, length: 65 * NOTICE_BYTES }),
  ];
  for (const [i, frame] of frames.entries()) {
    const { fixture, sender } = shared();
    sender.send(frame);
    fixture.step(20);
    sender.receive();
    assert.ok(sender.ended, `frame ${i}`);
    assert.equal(fixture.count("protocolErrors"), 1);
  }
});

test("an opening is answered in its turn, also while what queues told waits for room to be sent", () => {
  const { fixture, reader, sender } = shared();
  assert.equal(open(reader), 0);
  next(reader, 7);
  for (let tag = 100; tag < 104; tag += 1)
    reader.send(command({ opcode: OPCODE.GET, tag, handle: 1, length: 150_000 }));
  fixture.step(20);
  put(sender, 1);
  fixture.step(20);
  const payload = encodeQueue({
    at: 0,
    length: 1,
    number: 2,
    capacity: 1,
    tag: undefined,
    source: undefined,
  });
  reader.send(command({ opcode: OPCODE.QUEUE_OPEN, tag: 8, handle: 1, length: payload.length, payload }));
  reader.send(command({ opcode: OPCODE.GET, tag: 9, handle: 1, length: 8 }));
  fixture.step(20);
  const tags = Array.from({ length: 7 }, () => reader.answer().tag).filter((tag) => tag !== 7);
  assert.deepEqual(tags, [100, 101, 102, 103, 8, 9]);
});
