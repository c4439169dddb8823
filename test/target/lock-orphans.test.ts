/** What sessions that have ended hold: it passes on when nobody can believe in it any more, and never before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RpcChannel } from "../../src/rpc/channel.ts";
import { statusOf } from "../../src/std/errors.ts";
import type { Result } from "../../src/wire/control.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { LOCK_EXCLUSIVE } from "../../src/wire/ops.ts";
import { type Origin, TargetFixture, type TargetFixtureOptions } from "./target-fixture.ts";
import { command, type RawClient } from "./worker-fixture.ts";

const BYTES = 10_000;
const LEASE_MS = 10_000;
/** The pid of everybody on a unix stream of the simulated network. */
const PEER = 1;
const ANYTHING = 4_000_000;

interface Holder {
  readonly origin: Origin;
  readonly session: Result<"session.open">;
  readonly client: RawClient;
  readonly handle: number;
  /** Asks for a lock on the first bytes; the answer comes when it comes. */
  ask(id: number, waitMs?: number): void;
}

async function target(options: TargetFixtureOptions = {}): Promise<TargetFixture> {
  const fixture = new TargetFixture({ workers: 1, ...options });
  await fixture.registered();
  for (const inode of [1, 2]) await fixture.createRegion(inode, 0, BYTES);
  return fixture;
}

async function holder(
  fixture: TargetFixture,
  kind: "tcp" | "unix" = "tcp",
  inode = 1,
  sharing: "managed" | "raw" = "managed",
  gen = 0,
): Promise<Holder> {
  const origin = await fixture.origin(kind);
  const session = await origin.openSession(LEASE_MS);
  const window = { index: 0, at: 0, byteLength: BYTES, rights: "rw", direct: true } as const;
  const { handle, direct } = await origin.bind({ ...window, inode, sharing }, { gen });
  assert.equal(direct, kind === "unix");
  const client = fixture.enter(0, session);
  const lock = { opcode: OPCODE.LOCK, flags: LOCK_EXCLUSIVE, handle, length: 100 };
  const ask = (id: number, waitMs = ANYTHING): void => {
    client.send(command({ ...lock, tag: id, operand: BigInt(id), compare: BigInt(waitMs) }));
  };
  return { origin, session, client, handle, ask };
}

/** The status of an answer that has come, if one has. */
async function answered(fixture: TargetFixture, { client }: Holder): Promise<bigint | number | undefined> {
  await fixture.steps(3);
  client.receive();
  const answer = client.tryAnswer();
  return answer === undefined ? undefined : answer.status === 0 ? answer.value : answer.status;
}

async function holds(fixture: TargetFixture, who: Holder): Promise<void> {
  who.ask(1);
  assert.equal(await answered(fixture, who), 1n);
}

/** Time passes, and `who` renews his lease meanwhile. */
async function pass(fixture: TargetFixture, ms: number, who: Holder): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await fixture.pass(Math.min(1000, ms - passed));
    await who.origin.call("session.renew", {});
  }
}

test("a lock outlasts the connections of its session until the lease ends", async () => {
  const fixture = await target();
  const [first, next] = [await holder(fixture), await holder(fixture)];
  await holds(fixture, first);
  next.ask(1);
  first.origin.channel.close();
  await pass(fixture, 10_900, next);
  assert.equal(
    await answered(fixture, next),
    undefined,
    "the lease is ten seconds, and counts a tenth longer here",
  );
  await pass(fixture, 200, next);
  assert.equal(await answered(fixture, next), 1n);
});

test("the lock of a process that has ended is free at once", async () => {
  const fixture = await target();
  const [first, next] = [await holder(fixture, "unix"), await holder(fixture)];
  await holds(fixture, first);
  next.ask(1);
  first.origin.channel.close();
  await fixture.pass(500);
  assert.equal(await answered(fixture, next), undefined);
  fixture.processes.end(PEER);
  await fixture.pass(100);
  assert.equal(await answered(fixture, next), 1n);
});

test("what could be stored to behind the target's back stays locked after the lease, until the process has ended", async () => {
  const fixture = await target();
  const raw = await holder(fixture, "unix", 1, "raw");
  await holds(fixture, raw);
  // In the same session, on a region whose writes come through the worker.
  const window = { index: 0, at: 0, byteLength: BYTES, rights: "rw", direct: false } as const;
  const other = await raw.origin.bind({ ...window, inode: 2, sharing: "managed" });
  raw.client.send(
    command({ opcode: OPCODE.LOCK, flags: LOCK_EXCLUSIVE, handle: other.handle, length: 1, operand: 2n }),
  );
  assert.equal(await answered(fixture, raw), 1n);
  const [nextRaw, nextManaged] = [await holder(fixture, "tcp", 1, "raw"), await holder(fixture, "tcp", 2)];
  nextRaw.ask(1);
  nextManaged.ask(1);
  raw.origin.channel.close();
  for (let second = 0; second < 60; second += 1) {
    await pass(fixture, 1000, nextRaw);
    await nextManaged.origin.call("session.renew", {});
    const managed = await answered(fixture, nextManaged);
    if (managed !== undefined) assert.deepEqual([managed, second], [1n, 10]);
    assert.equal(await answered(fixture, nextRaw), undefined);
  }
  assert.match(fixture.log.text(), /may still store to regions that it has locked.*1\.0/);
  fixture.processes.end(PEER);
  await fixture.pass(100);
  assert.equal(await answered(fixture, nextRaw), 1n);
});

test("or until the origin has given its mapping back, which its session's token proves", async () => {
  const fixture = await target();
  const raw = await holder(fixture, "unix", 1, "raw");
  await holds(fixture, raw);
  const next = await holder(fixture, "tcp", 1, "raw");
  next.ask(1);
  raw.origin.channel.close();
  await pass(fixture, 12_000, next);
  const { session, token } = raw.session;
  await next.origin.call("session.detached", { session, token: "00".repeat(32) });
  assert.equal(await answered(fixture, next), undefined, "not on anybody's word");
  await next.origin.call("session.detached", { session, token });
  await fixture.pass(100);
  assert.equal(await answered(fixture, next), 1n);
});

test("the origin may know that its session is lost before the target does", async () => {
  const fixture = await target();
  const raw = await holder(fixture, "unix", 1, "raw");
  await holds(fixture, raw);
  const next = await holder(fixture, "tcp", 1, "raw");
  next.ask(1);
  const { session, token } = raw.session;
  await next.origin.call("session.detached", { session, token: "00".repeat(32) });
  assert.equal(raw.origin.channel.ended, undefined, "not on anybody's word");
  await next.origin.call("session.detached", { session, token });
  await fixture.pass(100);
  assert.ok(raw.origin.channel.ended);
  assert.equal(await answered(fixture, next), undefined, "its lease lasts");
  await pass(fixture, 12_000, next);
  assert.equal(await answered(fixture, next), 1n);
});

test("a mapping that was given back before the session ended keeps nothing", async () => {
  const fixture = await target();
  const raw = await holder(fixture, "unix", 1, "raw");
  const next = await holder(fixture, "tcp", 1, "raw");
  await holds(fixture, raw);
  next.ask(1);
  await raw.origin.call("window.unbind", { handle: raw.handle });
  assert.equal(await answered(fixture, next), 1n);
});

test("what was revoked stays locked until its origin has said that it knows", async () => {
  const fixture = await target();
  const first = await holder(fixture);
  await holds(fixture, first);
  const next = await holder(fixture, "tcp", 1, "managed", 7);
  next.ask(1);
  const { promise, resolve } = Promise.withResolvers<Record<string, never>>();
  first.origin.channel.admit({ "window.revoked": () => promise });
  const call = { inode: 1, index: 0, gen: 7 };
  const revoked = (fixture.metaChannel as RpcChannel).call("region.revoke", call, { timeoutMs: 1e6 });
  assert.equal(await answered(fixture, next), undefined);
  resolve({});
  await fixture.settle(revoked);
  assert.equal(await answered(fixture, next), 1n);
});

test("what is locked through a mapping that was taken back by order only is not free yet", async () => {
  const fixture = await target();
  const raw = await holder(fixture, "unix", 1, "raw");
  await holds(fixture, raw);
  const revoked = fixture.call("region.revoke", { inode: 1, index: 0, gen: 7 });
  await revoked.catch(() => {});
  const again = await fixture.origin("tcp");
  const session = await again.openSession(60_000);
  const window = { index: 0, at: 0, byteLength: BYTES, rights: "rw", direct: false } as const;
  const { handle } = await again.bind({ ...window, inode: 1, sharing: "raw" }, { gen: 7 });
  const client = fixture.enter(0, session);
  const lock = { opcode: OPCODE.LOCK, flags: LOCK_EXCLUSIVE, handle, length: 100, operand: 1n };
  client.send(command(lock));
  assert.equal(client.answer().value, 0n);
});

test("after a crash nothing is granted until every lease of the life before has ended", async () => {
  const fixture = await target({ formerLeaseMs: LEASE_MS });
  const first = await holder(fixture);
  assert.equal(fixture.leases.longestMs, LEASE_MS);
  first.ask(1, 0);
  assert.equal(await answered(fixture, first), 0n, "a try does not wait for that");
  first.ask(2, 5000);
  first.ask(3);
  await pass(fixture, 10_500, first);
  const answers = [await answered(fixture, first), await answered(fixture, first)];
  assert.deepEqual(answers, [statusOf("ERR_TIMEOUT"), undefined]);
  await pass(fixture, 1000, first);
  assert.equal(await answered(fixture, first), 1n);
});
