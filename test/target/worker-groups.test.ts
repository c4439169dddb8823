import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { type CommandFields, command, type RawClient, WorkerFixture } from "./worker-fixture.ts";

const ENDED = statusOf("ERR_GROUP_ENDED");
const TAKEN = statusOf("ERR_GROUP_TAKEN");
const UNKNOWN = statusOf("ERR_BAD_HANDLE");
const TIMED_OUT = statusOf("ERR_TIMEOUT");
const INVALID = statusOf("ERR_INVALID_ARGUMENT");

interface Joining {
  readonly name?: bigint;
  readonly size?: number;
  readonly rank?: number;
  readonly waitMs?: number;
  readonly tag?: number;
}

/** A worker without any region, and sessions with a connection each: by turns over TCP and on a unix socket. */
function sessions(count: number) {
  const fixture = new WorkerFixture();
  const clients = Array.from({ length: count }, (_, i) =>
    fixture.enter(i + 1, fixture.openSession(i + 1), i % 2 === 0 ? "tcp" : "unix"),
  );
  return { fixture, clients, first: clients[0] as RawClient, last: clients.at(-1) as RawClient };
}

function join(client: RawClient, joining: Joining = {}): void {
  const { name = 7n, size = 2, rank = -1, waitMs = 60_000, tag = 1 } = joining;
  const offset = size + (rank + 1) * 2 ** 32;
  const fields = { opcode: OPCODE.GROUP_JOIN, tag, offset, length: waitMs };
  client.send(command({ ...fields, operand: name, compare: -name }));
}

function barrier(client: RawClient, group: bigint, round: number, waitMs = 60_000): void {
  const fields = { opcode: OPCODE.GROUP_BARRIER, tag: 100 + round, offset: round };
  client.send(command({ ...fields, operand: group, compare: BigInt(waitMs) }));
}

function leave(client: RawClient, name = 7n): bigint {
  const tag = 99;
  const answer = client.call({ opcode: OPCODE.GROUP_LEAVE, tag, operand: name, compare: -name });
  assert.deepEqual([answer.opcode, answer.tag, answer.status], [OPCODE.GROUP_LEAVE, tag, 0]);
  return answer.value;
}

function said(client: RawClient): [status: number, value: bigint] {
  const { status, value } = client.answer();
  return [status, value];
}

/** Of a JOIN that was answered. */
function joined(client: RawClient): { group: bigint; rank: number } {
  const [status, value] = said(client);
  assert.equal(status, 0);
  return { group: value & 0xffff_ffffn, rank: Number((value >> 32n) & 0xffffn) };
}

/** All join. @returns the group's number */
function formed(clients: readonly RawClient[], joining: Joining = {}): bigint {
  for (const [rank, client] of clients.entries()) join(client, { ...joining, size: clients.length, rank });
  const groups = clients.map((client) => joined(client).group);
  assert.equal(new Set(groups).size, 1, "one group");
  return groups[0] as bigint;
}

test("joining and barriers cost one message each way, and the answer waits for the last one", () => {
  const { fixture, clients, first, last } = sessions(3);
  join(first, { size: 3 });
  join(last, { size: 3, rank: 0 });
  fixture.step(20);
  assert.deepEqual([fixture.count("groups"), fixture.count("groupsWaiting")], [1, 2]);
  assert.equal(first.tryAnswer(), undefined);
  join(clients[1] as RawClient, { size: 3 });
  const members = clients.map(joined);
  // Whoever wanted rank 0 has it; the others have what is left, in the order of coming.
  assert.deepEqual(
    members.map(({ rank }) => rank),
    [1, 2, 0],
  );
  const { group } = members[0] as { group: bigint };
  const names = ["unixBytesIn", "unixBytesOut", "tcpBytesIn", "tcpBytesOut"];
  const before = names.map((name) => fixture.count(name));
  for (const [passed, client] of clients.entries()) {
    fixture.step(20);
    first.receive();
    assert.equal(first.tryAnswer(), undefined, `${passed} have come`);
    barrier(client, group, 0);
  }
  for (const client of clients) assert.deepEqual(said(client), [0, 0n]);
  assert.deepEqual(
    names.map((name, i) => (fixture.count(name) - (before[i] as number)) / 64),
    [1, 1, 2, 2],
  );
  assert.equal(fixture.count("groupsWaiting"), 0);
});

test("what waits at a barrier holds up nothing that comes behind it", () => {
  const { clients, first } = sessions(2);
  const group = formed(clients);
  barrier(first, group, 0);
  assert.equal(leave(first, 8n), 0n, "of another name");
  barrier(clients[1] as RawClient, group, 0);
  assert.deepEqual(said(first), [0, 0n]);
});

test("a hundred rounds: nobody passes before all have come", () => {
  const { fixture, clients } = sessions(5);
  const group = formed(clients);
  for (let round = 0; round < 100; round += 1) {
    const order = clients.toSorted(
      (a, b) => ((clients.indexOf(a) * round + 3) % 5) - ((clients.indexOf(b) * round + 3) % 5),
    );
    for (const client of order) {
      fixture.step(4);
      for (const other of clients) {
        other.receive();
        assert.equal(other.tryAnswer(), undefined);
      }
      barrier(client, group, round);
    }
    for (const client of clients) assert.deepEqual(said(client), [0, 0n]);
  }
});

test("a member that leaves ends the group, for those that wait and for those that come", () => {
  const { fixture, clients } = sessions(3);
  const [one, two, three] = clients as [RawClient, RawClient, RawClient];
  const group = formed(clients);
  barrier(one, group, 0);
  assert.equal(leave(two), 1n);
  assert.deepEqual(said(one), [ENDED, 1n]);
  assert.equal(leave(three), 1n);
  barrier(one, group, 0);
  assert.deepEqual(said(one), [ENDED, 1n], "the first one stays named");
  // Another life of the name begins when all have left.
  join(two);
  assert.deepEqual(said(two), [ENDED, 1n]);
  assert.equal(leave(one), 1n);
  assert.equal(leave(one), 0n);
  assert.equal(fixture.count("groups"), 0);
  const again = formed([two, three]);
  assert.notEqual(again, group);
  barrier(two, group, 0);
  assert.deepEqual(said(two), [UNKNOWN, 0n], "what was meant for an earlier life");
});

test("a session that ends, and a connection that ends while something waits, end the group", () => {
  const { fixture, clients } = sessions(3);
  const [one, two, three] = clients as [RawClient, RawClient, RawClient];
  const group = formed(clients);
  barrier(one, group, 0);
  fixture.order({ type: "session-close", session: 3 });
  assert.deepEqual(said(one), [ENDED, 2n]);
  leave(one);
  leave(two);
  assert.equal(fixture.count("groups"), 0);
  assert.ok(three.ended || fixture.count("connections") === 2);
  const next = formed([one, two]);
  barrier(one, next, 0);
  fixture.step(20);
  one.stream.close();
  fixture.step(20);
  barrier(two, next, 0);
  assert.deepEqual(said(two), [ENDED, 0n]);
});

test("a connection that ends while nothing waits ends nothing", () => {
  const fixture = new WorkerFixture();
  const token = fixture.openSession(1);
  const [one, beside] = [fixture.enter(1, token), fixture.enter(1, token)];
  const two = fixture.enter(2, fixture.openSession(2));
  const group = formed([one, two]);
  one.stream.close();
  fixture.step(20);
  barrier(beside, group, 0);
  barrier(two, group, 0);
  assert.deepEqual(
    [said(beside), said(two)],
    [
      [0, 0n],
      [0, 0n],
    ],
  );
});

test("time ends a join for itself, and a barrier for all, through the lowest rank that has not come", () => {
  const { fixture, clients } = sessions(4);
  const [one, two] = clients as [RawClient, RawClient];
  join(one, { waitMs: 50, size: 4 });
  join(two, { waitMs: 100, size: 4 });
  fixture.step(20);
  fixture.nowMs += 49;
  fixture.step(20);
  assert.equal(fixture.count("groupsWaiting"), 2);
  fixture.nowMs += 1;
  assert.deepEqual(said(one), [TIMED_OUT, 0n]);
  assert.equal(fixture.count("groupsWaiting"), 1, "the other one goes on");
  assert.equal(leave(two), 1n);
  assert.deepEqual(said(two), [statusOf("ERR_ABORTED"), 0n]);
  const group = formed(clients);
  barrier(one, group, 0, 0);
  assert.deepEqual(said(one), [TIMED_OUT, 0n], "it has not come, and ends nothing");
  barrier(one, group, 0, 30);
  barrier(clients[3] as RawClient, group, 0, 60_000);
  fixture.step(20);
  fixture.nowMs += 30;
  assert.deepEqual(said(one), [ENDED, 1n]);
  assert.deepEqual(said(clients[3] as RawClient), [ENDED, 1n]);
});

test("the worker sleeps no longer than the next deadline", () => {
  const { fixture, first } = sessions(2);
  assert.equal(fixture.plane.groups.waitMs(1000), 1000);
  join(first, { waitMs: 500 });
  fixture.step(20);
  assert.equal(fixture.plane.groups.waitMs(1000), 500);
  fixture.nowMs += 499.5;
  assert.equal(fixture.plane.groups.waitMs(1000), 1);
  assert.equal(fixture.plane.groups.waitMs(0), 0);
});

test("what cannot be is refused, and changes nothing", () => {
  const { fixture, clients } = sessions(3);
  const [one, two, three] = clients as [RawClient, RawClient, RawClient];
  barrier(one, 0n, 0);
  assert.deepEqual(said(one), [UNKNOWN, 0n]);
  for (const joining of [{ size: 0 }, { size: 1 }, { size: 1025 }, { size: 2, rank: 2 }]) {
    join(one, joining);
    assert.deepEqual(said(one), [INVALID, 0n]);
  }
  assert.equal(fixture.count("groups"), 0);
  join(one, { size: 3, rank: 1 });
  join(two, { size: 2 });
  assert.deepEqual(said(two), [INVALID, 0n], "another size");
  join(two, { size: 3, rank: 1 });
  assert.deepEqual(said(two), [TAKEN, 0n]);
  join(one, { size: 3, tag: 2 });
  assert.deepEqual(said(one), [INVALID, 0n], "once a session");
  join(two, { size: 3, waitMs: 0 });
  assert.deepEqual(said(two), [TIMED_OUT, 0n]);
  join(two, { size: 3 });
  join(three, { size: 3, waitMs: 0 });
  const group = joined(one).group;
  assert.deepEqual([joined(two).rank, joined(three).rank], [0, 2]);
  barrier(one, group, 1);
  assert.deepEqual(said(one), [INVALID, 0n], "a round that is not due");
  barrier(one, group, 0);
  barrier(one, group, 0);
  assert.deepEqual(said(one), [INVALID, 0n], "there already");
  const next = fixture.enter(4, fixture.openSession(4));
  join(next, { size: 3 });
  assert.deepEqual(said(next), [TAKEN, 0n], "all have come");
  barrier(next, group, 0);
  assert.deepEqual(said(next), [UNKNOWN, 0n]);
  barrier(two, group, 0);
  barrier(three, group, 0);
  for (const client of clients) assert.deepEqual(said(client), [0, 0n]);
});

test("a session is in sixty-four groups at most", () => {
  const { first } = sessions(1);
  for (let name = 1n; name <= 64n; name += 1n) join(first, { name, tag: Number(name) });
  join(first, { name: 65n });
  assert.deepEqual(said(first), [statusOf("ERR_TOO_MANY"), 0n]);
  assert.equal(leave(first, 3n), 1n);
  first.answer();
  join(first, { name: 65n, waitMs: 0 });
  assert.deepEqual(said(first), [TIMED_OUT, 0n]);
});

test("names are told apart by all their bits", () => {
  const { fixture, clients } = sessions(2);
  const [one, two] = clients as [RawClient, RawClient];
  const fields = { opcode: OPCODE.GROUP_JOIN, offset: 2, length: 1000 };
  const names = [0, 31, 32, 63].flatMap((bit) => [
    { operand: 1n << BigInt(bit), compare: 0n },
    { operand: 0n, compare: 1n << BigInt(bit) },
  ]);
  for (const name of names) one.send(command({ ...fields, ...name }));
  fixture.step(20);
  assert.equal(fixture.count("groups"), names.length);
  for (const name of names) two.send(command({ ...fields, ...name }));
  const groups = names.map(() => joined(two).group);
  assert.equal(new Set(groups).size, names.length);
});

test("what no client of ours sends ends the session, and with it its places in groups", () => {
  const hostile: CommandFields[] = [
    ...[OPCODE.GROUP_JOIN, OPCODE.GROUP_BARRIER, OPCODE.GROUP_LEAVE].flatMap((opcode) => {
      const good = opcode === OPCODE.GROUP_JOIN ? { opcode, offset: 2, length: 5 } : { opcode };
      return [
        { ...good, flags: 1 },
        { ...good, handle: 1 },
        { ...good, payload: new Uint8Array(8) },
        { ...good, payloadBytes: 1 << 20 },
      ];
    }),
    { opcode: OPCODE.GROUP_JOIN, offset: 2, length: 2 ** 32 },
    { opcode: OPCODE.GROUP_BARRIER, length: 1 },
    { opcode: OPCODE.GROUP_BARRIER, compare: 1n << 32n },
    { opcode: OPCODE.GROUP_LEAVE, offset: 1 },
    { opcode: OPCODE.GROUP_LEAVE, offset: 2 ** 32 },
    { opcode: OPCODE.GROUP_LEAVE, length: 1 },
  ];
  for (const fields of hostile) {
    const { fixture, clients, first, last } = sessions(2);
    const group = formed(clients);
    barrier(last, group, 0);
    first.send(command(fields));
    fixture.step(20);
    first.receive();
    assert.ok(
      first.ended,
      JSON.stringify(fields, (_, value) => String(value)),
    );
    assert.equal(fixture.count("protocolErrors"), 1);
    assert.deepEqual(said(last), [ENDED, 0n]);
  }
});
