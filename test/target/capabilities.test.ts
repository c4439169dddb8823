import assert from "node:assert/strict";
import { test } from "node:test";
import type { RpcChannel } from "../../src/rpc/channel.ts";
import { type ErrorCode, statusOf } from "../../src/std/errors.ts";
import type { Capability } from "../../src/wire/capability.ts";
import type { Params } from "../../src/wire/control.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { type Origin, TargetFixture, type Window } from "./target-fixture.ts";
import { command } from "./worker-fixture.ts";

const BYTES = 10_000;
const WHOLE: Window = {
  inode: 1,
  index: 0,
  at: 0,
  byteLength: BYTES,
  rights: "rw",
  sharing: "managed",
  direct: false,
};

/** A target with a region and two origins that have sessions. */
async function serving() {
  const fixture = new TargetFixture();
  await fixture.registered();
  await fixture.createRegion(1, 0, BYTES);
  const origin = await fixture.origin();
  await origin.openSession();
  return { fixture, origin };
}

async function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, { code });
}

const counted = async (fixture: TargetFixture, name: string): Promise<number | undefined> => {
  await fixture.pass(1100);
  const { params } = fixture.told.at(-1) as { params: Params<"meta.heartbeat"> };
  return params.counters[name];
};

test("forged: a capability with a bit changed binds nothing, and is counted", async () => {
  const { fixture, origin } = await serving();
  const params = origin.bindParams(WHOLE);
  const bytes = Buffer.from(params.capability, "hex");
  for (let at = 0; at < bytes.byteLength; at += 8) {
    const forged = Buffer.from(bytes);
    forged[at] = (forged[at] as number) ^ 1;
    await refuses(
      "ERR_CAPABILITY",
      origin.call("window.bind", { ...params, capability: forged.toString("hex") }),
    );
  }
  await origin.call("window.bind", params);
  assert.equal(await counted(fixture, "capabilitiesRefused"), 16);
});

test("expired: refused from that millisecond on; what was bound stays bound", async () => {
  const { fixture, origin } = await serving();
  const expiresMs = fixture.clock.wallMs() + 500;
  const bound = await origin.bind(WHOLE, { expiresMs });
  const params = origin.bindParams(WHOLE, { expiresMs });
  fixture.clock.advance(500);
  await refuses("ERR_EXPIRED", origin.call("window.bind", params));
  await origin.call("window.unbind", { handle: bound.handle });
  assert.equal(await counted(fixture, "capabilitiesExpired"), 1);
});

test("stolen: another origin cannot use it, nor open a session with a key that it does not have", async () => {
  const { fixture, origin } = await serving();
  const thief = await fixture.origin();
  const { publicKey: originKey } = origin.key;
  const own = thief.key.prove(thief.transcript);
  await refuses("ERR_AUTH", thief.call("session.open", { leaseMs: 0, originKey, proof: own }));
  await thief.openSession();
  await refuses("ERR_CAPABILITY", thief.call("window.bind", origin.bindParams(WHOLE)));
  assert.equal(await counted(fixture, "capabilitiesRefused"), 1);
});

test("replayed: a proof recorded on one channel is worth nothing on another", async () => {
  const { fixture, origin } = await serving();
  const recorded = origin.key.prove(origin.transcript);
  const replayer = await fixture.origin();
  const terms = { leaseMs: 0, originKey: origin.key.publicKey, proof: recorded };
  await refuses("ERR_AUTH", replayer.call("session.open", terms));
  await refuses("ERR_SESSION_LOST", replayer.call("window.bind", origin.bindParams(WHOLE)));
});

test("widened: neither more rights nor more range than the capability has", async () => {
  const { fixture, origin } = await serving();
  const part = { at: 100, byteLength: 200 } satisfies Partial<Capability>;
  const attempt = (window: Partial<Window>, more: Partial<Capability>) =>
    origin.bind({ ...WHOLE, ...window }, more);
  await refuses("ERR_RIGHTS", attempt({}, { rights: "r" }));
  await refuses("ERR_RIGHTS", attempt({ at: 99, byteLength: 10 }, part));
  await refuses("ERR_RIGHTS", attempt({ at: 100, byteLength: 201 }, part));
  await refuses("ERR_RIGHTS", attempt({ at: 301, byteLength: 0 }, part));
  await refuses("ERR_RIGHTS", attempt({ at: 2 ** 53 - 1, byteLength: 2 ** 53 - 1 }, part));
  await attempt({ at: 100, byteLength: 200 }, part);
  await attempt({ rights: "r" }, { rights: "r" });
  assert.equal(await counted(fixture, "capabilitiesExceeded"), 5);
});

test("stale: what an earlier life of the target was given is worthless in the next", async () => {
  const { fixture, origin } = await serving();
  const old = origin.bindParams(WHOLE).capability;
  const { incarnation } = fixture;
  fixture.meta.close();
  await fixture.pass(12_000);
  fixture.meta = fixture.startMeta();
  await fixture.pass(3000);
  assert.notEqual(fixture.incarnation, incarnation);
  const { channel } = origin;
  assert.ok(channel.ended, "sessions end with the lease");
  const again: Origin = await fixture.origin();
  await again.openSession();
  const stale = { ...again.bindParams(WHOLE), capability: old };
  await refuses("ERR_CAPABILITY", again.call("window.bind", stale));
  await again.bind(WHOLE);
});

test("revoked: older generations are unbound and refused, late commands say so, and the origin is told", async () => {
  const { fixture, origin } = await serving();
  const holder = await fixture.origin();
  const session = await holder.openSession();
  const told: number[][] = [];
  holder.channel.admit({
    "window.revoked": ({ handles }) => {
      told.push(handles);
      return {};
    },
  });
  const old = await holder.bind(WHOLE, { gen: 4 });
  const kept = await holder.bind(WHOLE, { gen: 5 });
  const client = fixture.enter(old.worker, session);
  const get = { opcode: OPCODE.GET, offset: 0, length: 8 };
  assert.equal(client.call({ ...get, handle: old.handle }).status, 0);
  const meta = fixture.metaChannel as RpcChannel;
  await fixture.settle(meta.call("region.revoke", { inode: 1, index: 0, gen: 5 }, { timeoutMs: 1e6 }));
  assert.deepEqual(told, [[old.handle]]);
  assert.equal(client.call({ ...get, handle: old.handle }).status, statusOf("ERR_REVOKED"));
  assert.equal(client.call({ ...get, handle: 99 }).status, statusOf("ERR_BAD_HANDLE"));
  assert.equal(client.call({ ...get, handle: kept.handle }).status, 0);
  await refuses("ERR_REVOKED", origin.bind(WHOLE, { gen: 4 }));
  await origin.bind(WHOLE, { gen: 5 });
  await refuses("ERR_BAD_HANDLE", holder.call("window.unbind", { handle: old.handle }));
  assert.equal(await counted(fixture, "capabilitiesRevoked"), 1);
});

test("an origin that does not confirm a revoking loses its session before the revoking is answered", async () => {
  const { fixture } = await serving();
  const deaf = await fixture.origin();
  await deaf.openSession();
  deaf.channel.admit({ "window.revoked": () => new Promise(() => {}) });
  await deaf.bind(WHOLE, { gen: 1 });
  const meta = fixture.metaChannel as RpcChannel;
  let done = false;
  const revoking = meta.call("region.revoke", { inode: 1, index: 0, gen: 2 }, { timeoutMs: 1e6 }).then(() => {
    done = true;
  });
  await fixture.pass(8000);
  await deaf.call("session.renew", {});
  assert.equal(done, false);
  await fixture.pass(3500);
  await fixture.settle(revoking);
  assert.ok(deaf.channel.ended);
});

test("a target that was paused for longer than its lease serves nothing of what waited for it", async () => {
  const { fixture, origin } = await serving();
  const session = await fixture.origin();
  const opened = await session.openSession(60_000);
  const bound = await session.bind(WHOLE);
  const client = fixture.enter(bound.worker, opened);
  const put = { opcode: OPCODE.PUT, handle: bound.handle, offset: 0, length: 8, operand: -1n };
  assert.equal(client.call({ ...put, operand: 5n }).status, 0);
  const { incarnation } = fixture;
  client.send(command(put));
  fixture.clock.advance(10_000);
  // Whichever of its threads wakes first.
  for (const plane of fixture.planes) plane.doWork(fixture.clock.nowMs());
  client.receive();
  assert.ok(client.ended, "not answered");
  assert.equal(fixture.dataOf(1, 0).i64[0], 5n, "not carried out");
  await fixture.steps(3);
  for (const { channel } of [origin, session]) assert.ok(channel.ended, "sessions end with the lease");
  await fixture.registered();
  await fixture.steps(3);
  assert.notEqual(fixture.incarnation, incarnation, "another life has begun");
  const again = await fixture.origin();
  await again.openSession();
  await again.bind(WHOLE);
});

test("without a lease neither sessions nor windows are given", async () => {
  const fixture = new TargetFixture();
  await fixture.registered();
  await fixture.createRegion(1, 0, BYTES);
  fixture.meta.close();
  await fixture.pass(11_000);
  const early = await fixture.origin();
  await refuses("ERR_UNREACHABLE", early.openSession());
  fixture.meta = fixture.startMeta();
  await fixture.pass(3000);
  await early.openSession();
  await early.bind(WHOLE);
});
