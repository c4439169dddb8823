import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/std/errors.ts";
import type { Capability } from "../../src/wire/capability.ts";
import type { Params } from "../../src/wire/control.ts";
import { type Origin, TargetFixture, type Window } from "./target-fixture.ts";

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
