import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import type { FromWorker } from "../../src/target/messages.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { LOCK_EXCLUSIVE } from "../../src/wire/ops.ts";
import { command, type RawClient, READ_ONLY, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 1000;
const INODE = 5;

interface Asking {
  readonly handle?: number;
  readonly offset?: number;
  readonly length?: number;
  readonly waitMs?: number;
  readonly shared?: boolean;
}

/** A worker with a region, and two sessions that have bound it: one on a unix socket, one over TCP. */
function shared() {
  const fixture = new WorkerFixture();
  const { descriptor } = fixture.createRegion(INODE, BYTES);
  const enter = (session: number, kind: "unix" | "tcp"): RawClient => {
    const token = fixture.openSession(session);
    const region = { inode: INODE, descriptor, byteLength: BYTES };
    assert.equal(fixture.bind(session, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
    assert.equal(fixture.bind(session, 2, region, { at: 100, byteLength: 10 }, READ_ONLY), 0);
    return fixture.enter(session, token, kind);
  };
  return { fixture, one: enter(1, "unix"), other: enter(2, "tcp") };
}

function ask(client: RawClient, id: number, asking: Asking = {}): void {
  const { handle = 1, offset = 0, length = 10, waitMs = 60_000, shared: isShared = false } = asking;
  const flags = isShared ? 0 : LOCK_EXCLUSIVE;
  const fields = { opcode: OPCODE.LOCK, flags, tag: id, handle, offset, length };
  client.send(command({ ...fields, operand: BigInt(id), compare: BigInt(waitMs) }));
}

function release(client: RawClient, id: number): void {
  client.send(command({ opcode: OPCODE.UNLOCK, tag: 1000 + id, operand: BigInt(id) }));
}

function said(client: RawClient): string {
  const { opcode, tag, status, value } = client.answer();
  return `${opcode === OPCODE.LOCK ? "lock" : "unlock"} ${tag % 1000}: ${status || value}`;
}

test("a lock that is free costs one message each way, and so does its release, whoever had it before", () => {
  const { fixture, one, other } = shared();
  const names = ["unixBytesIn", "unixBytesOut", "tcpBytesIn", "tcpBytesOut"];
  const before = names.map((name) => fixture.count(name));
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  release(one, 1);
  assert.equal(said(one), "unlock 1: 1");
  ask(other, 1);
  assert.equal(said(other), "lock 1: 1");
  fixture.step(100);
  const frames = names.map((name, i) => (fixture.count(name) - (before[i] as number)) / 64);
  assert.deepEqual(frames, [2, 2, 1, 1]);
});

test("a lock that is awaited costs no more, and its wait holds up nothing", () => {
  const { fixture, one, other } = shared();
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  const before = fixture.count("tcpBytesOut");
  ask(other, 1);
  // Behind the request, and answered before it.
  const put = { opcode: OPCODE.PUT, tag: 7, handle: 1, offset: 500, length: 8, operand: 9n };
  assert.equal(other.call(put).tag, 7);
  assert.deepEqual([fixture.count("locksHeld"), fixture.count("locksWaiting")], [1, 1]);
  release(one, 1);
  assert.equal(said(one), "unlock 1: 1");
  assert.equal(said(other), "lock 1: 1");
  assert.equal(fixture.count("tcpBytesOut") - before, 2 * 64);
  assert.deepEqual([fixture.count("locksHeld"), fixture.count("locksGranted")], [1, 2]);
});

test("a grant that crosses its taking back is undone, and one that was taken back is not granted", () => {
  const { one, other } = shared();
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  ask(other, 1);
  release(one, 1);
  assert.equal(said(one), "unlock 1: 1");
  // Granted, but not heard of yet.
  release(other, 1);
  assert.deepEqual([said(other), said(other)], ["lock 1: 1", "unlock 1: 1"]);
  ask(one, 2);
  assert.equal(said(one), "lock 2: 1");
  ask(other, 2);
  release(other, 2);
  assert.deepEqual([said(other), said(other)].sort(), [`lock 2: ${statusOf("ERR_ABORTED")}`, "unlock 2: 1"]);
  release(other, 2);
  assert.equal(said(other), "unlock 2: 0", "as often as one likes");
});

test("a request that cannot be is refused, and a binding reaches no other bytes", () => {
  const { one, other } = shared();
  ask(one, 1, { handle: 9 });
  assert.equal(said(one), `lock 1: ${statusOf("ERR_BAD_HANDLE")}`);
  ask(one, 1, { handle: 2 });
  assert.equal(said(one), `lock 1: ${statusOf("ERR_RIGHTS")}`, "to exclude others takes the right to write");
  ask(one, 1, { length: 0 });
  assert.equal(said(one), `lock 1: ${statusOf("ERR_RANGE")}`);
  ask(one, 1, { offset: BYTES - 5 });
  assert.equal(said(one), `lock 1: ${statusOf("ERR_RANGE")}`);
  // The second binding begins a hundred bytes further on.
  ask(one, 1, { handle: 2, offset: 5, length: 5, shared: true });
  assert.equal(said(one), "lock 1: 1");
  ask(other, 1, { offset: 0, length: 105, waitMs: 0 });
  assert.equal(said(other), "lock 1: 1");
  ask(other, 2, { offset: 105, length: 1, waitMs: 0 });
  assert.equal(said(other), "lock 2: 0");
  ask(one, 1, { offset: 500 });
  assert.equal(said(one), `lock 1: ${statusOf("ERR_INVALID_ARGUMENT")}`, "a number that is in use");
});

test("a wait ends by its time, by the end of its window, and with its connection", () => {
  const { fixture, one, other } = shared();
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  ask(other, 1, { waitMs: 50 });
  fixture.step(20);
  fixture.nowMs += 49;
  fixture.step(20);
  assert.equal(fixture.count("locksWaiting"), 1);
  fixture.nowMs += 1;
  assert.equal(said(other), `lock 1: ${statusOf("ERR_TIMEOUT")}`);
  ask(other, 2);
  fixture.step(20);
  const unbind = { type: "unbind", session: 2, handle: 1, revoked: true } as const;
  assert.equal(fixture.order(unbind)?.type, "unbound");
  assert.equal(said(other), `lock 2: ${statusOf("ERR_REVOKED")}`);
  ask(one, 2);
  fixture.step(20);
  assert.equal(fixture.count("locksWaiting"), 1);
  one.stream.close();
  fixture.step(20);
  assert.deepEqual([fixture.count("locksHeld"), fixture.count("locksWaiting")], [1, 0]);
});

test("what a session holds outlasts it, until it is to be forgotten", () => {
  const { fixture, one, other } = shared();
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  ask(one, 2);
  ask(other, 1);
  fixture.step(20);
  const closed = fixture.order({ type: "session-close", session: 1 });
  assert.deepEqual(closed, { type: "session-closed", session: 1, locks: 1 });
  fixture.step(20);
  assert.deepEqual([fixture.count("locksHeld"), fixture.count("locksWaiting")], [1, 1]);
  fixture.order({ type: "locks-forget", session: 1, kept: [`${INODE}.0`] });
  assert.equal(fixture.count("locksHeld"), 1);
  fixture.order({ type: "locks-forget", session: 1, kept: [] });
  assert.equal(said(other), "lock 1: 1");
});

test("answers that find no room come when there is some", () => {
  const { fixture, one, other } = shared();
  ask(one, 1);
  assert.equal(said(one), "lock 1: 1");
  for (let id = 1; id <= 100; id += 1) ask(other, id, { shared: true });
  fixture.step(20);
  // More than there is room for, and nobody takes them.
  const get = command({ opcode: OPCODE.GET, tag: 9, handle: 1, length: BYTES });
  for (let i = 0; i < 2000; i += 1) {
    if (other.stream.send(fixture.memory.borrow(get), 0, get.length) !== get.length) break;
    fixture.step();
  }
  release(one, 1);
  assert.equal(said(one), "unlock 1: 1");
  fixture.step(20);
  assert.equal(fixture.count("locksHeld"), 100);
  let granted = 0;
  while (granted < 100) granted += other.answer().opcode === OPCODE.LOCK ? 1 : 0;
});

test("a circle is ended, and the control thread hears of it before its victim does", () => {
  const { fixture, one, other } = shared();
  ask(one, 1);
  ask(other, 1, { offset: 50 });
  assert.deepEqual([said(one), said(other)], ["lock 1: 1", "lock 1: 1"]);
  ask(one, 2, { offset: 50 });
  fixture.step(20);
  fixture.nowMs += 100;
  ask(other, 2);
  fixture.step(20);
  fixture.nowMs += 400;
  fixture.step(20);
  const told: FromWorker[] = [];
  for (let message = fixture.orders.poll(); message !== undefined; message = fixture.orders.poll())
    told.push(message);
  const deadlock = told.find(({ type }) => type === "lock-deadlock") as FromWorker & {
    type: "lock-deadlock";
  };
  const request = (origin: number, at: number) => ({
    origin: `origin ${origin}`,
    inode: INODE,
    index: 0,
    at,
    length: 10,
    exclusive: true,
  });
  assert.deepEqual(deadlock, { type: "lock-deadlock", session: 1, cycle: [request(1, 50), request(2, 0)] });
  assert.equal(said(one), `lock 2: ${statusOf("ERR_DEADLOCK")}`);
  assert.equal(fixture.count("deadlocks"), 1);
});
