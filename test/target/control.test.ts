import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/std/errors.ts";
import { DidafsError, isDidafsError } from "../../src/std/errors.ts";
import type { Params } from "../../src/wire/control.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE } from "../../src/wire/ops.ts";
import {
  CLUSTER,
  KEY,
  OWN_UID,
  TARGET,
  TargetFixture,
  type TargetFixtureOptions,
  type Window,
} from "./target-fixture.ts";

const BYTES = 10_000;

function whole(inode: number, more: Partial<Window> = {}): Window {
  return {
    inode,
    index: 0,
    at: 0,
    byteLength: BYTES,
    rights: "rw",
    sharing: "managed",
    direct: false,
    ...more,
  };
}

async function serving(options: TargetFixtureOptions = {}) {
  const fixture = new TargetFixture(options);
  await fixture.registered();
  await fixture.createRegion(1, 0, BYTES);
  const origin = await fixture.origin();
  return { fixture, origin, session: await origin.openSession() };
}

async function refuses(code: ErrorCode, promise: Promise<unknown>, message = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isDidafsError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
}

test("registers with addresses and capacity, and beats", async () => {
  const fixture = new TargetFixture();
  await fixture.registered();
  const registered = fixture.told[0]?.params as Params<"meta.register"> | undefined;
  assert.ok(registered);
  const { endpoint, pid, medium, report } = registered;
  assert.deepEqual([endpoint.target, endpoint.drive, pid, report.totalBytes], [TARGET, "file", 42, 2 ** 40]);
  assert.equal(medium, fixture.drive.medium);
  assert.equal(endpoint.tcp.workers.length, 2);
  assert.equal(endpoint.unix.control.name, "control");
  await fixture.createRegion(1, 0, BYTES);
  const origin = await fixture.origin();
  await origin.openSession();
  await fixture.pass(1100);
  const beat = fixture.told.at(-1)?.params as Params<"meta.heartbeat">;
  assert.deepEqual([beat.regions, beat.sessions, beat.counters.operations], [1, 1, 0]);
});

test("says how many regions it has, and what it has counted, as soon as it registers", async () => {
  const former = new TargetFixture();
  await former.registered();
  for (const inode of [1, 2, 3]) await former.createRegion(inode, 0, BYTES);
  const fixture = new TargetFixture({ found: former });
  await fixture.registered();
  const registered = fixture.told[0]?.params as Params<"meta.register"> | undefined;
  assert.equal(registered?.report.regions, 3);
  assert.equal(registered.report.counters.operations, 0);
});

test("tells the metadata service of a lease that is longer than it knows before anybody has it", async () => {
  const fixture = new TargetFixture();
  await fixture.registered();
  const told = (): number[] =>
    fixture.told.map(({ method, params }) => {
      const report = method === "meta.register" ? (params as Params<"meta.register">).report : params;
      return (report as Params<"meta.heartbeat">).leaseMs;
    });
  assert.deepEqual(told(), [10_000]);
  const origin = await fixture.origin();
  await origin.openSession(5000);
  assert.deepEqual(told(), [10_000], "a shorter one needs no word");
  const other = await fixture.origin();
  assert.equal((await other.openSession(40_000)).leaseMs, 40_000);
  assert.deepEqual(told(), [10_000, 40_000]);
  const third = await fixture.origin();
  await third.openSession(40_000);
  assert.deepEqual(told(), [10_000, 40_000], "what is known is not told again");
  fixture.meta.close();
  const fourth = await fixture.origin();
  await assert.rejects(fourth.openSession(50_000), { code: "ERR_UNREACHABLE" });
});

test("registers again, for ever, when the metadata service goes away", async () => {
  const fixture = new TargetFixture();
  await fixture.registered();
  for (let round = 0; round < 3; round += 1) {
    fixture.meta.close();
    await fixture.pass(20_000);
    assert.equal(fixture.control.registered, false);
    fixture.meta = fixture.startMeta();
    await fixture.pass(3000);
    assert.equal(fixture.control.registered, true);
    await fixture.createRegion(round + 1, 0, BYTES);
  }
});

test("another cluster's metadata service is refused by name", async () => {
  const fixture = new TargetFixture({
    admitCluster: (id) => {
      throw new DidafsError("ERR_CORRUPT", `this target is of another cluster than ${id}`);
    },
  });
  await fixture.pass(1000);
  assert.equal(fixture.control.registered, false);
  assert.match(
    fixture.control.registrationFailure?.message ?? "",
    new RegExp(`another cluster than ${CLUSTER}`),
  );
});

test("a region is created once its bytes and its name are synced; doing so again is no error", async () => {
  const fixture = new TargetFixture({ holdSyncs: true });
  const meta = await fixture.registered();
  let done = false;
  const created = meta.call("region.create", { inode: 5, index: 2, byteLength: 100 }, { timeoutMs: 1e6 });
  void created.then(() => {
    done = true;
  });
  await fixture.steps(20);
  assert.equal(done, false, "not before the sync");
  assert.deepEqual(fixture.drive.synced, []);
  fixture.holdSyncs = false;
  await fixture.settle(created);
  assert.deepEqual(fixture.drive.names(), ["5.2"]);
  assert.deepEqual(new Set(fixture.drive.synced), new Set([1, "names"]));
  await fixture.createRegion(5, 2, 100);
  await refuses("EEXIST", fixture.createRegion(5, 2, 8000));
  assert.equal(fixture.drive.openCount, 0);
});

test("many creations share the syncs of names", async () => {
  const fixture = new TargetFixture({ holdSyncs: true });
  const meta = await fixture.registered();
  const calls = Array.from({ length: 40 }, (_, i) =>
    meta.call("region.create", { inode: 10 + i, index: 0, byteLength: 1 }, { timeoutMs: 1e6 }),
  );
  await fixture.steps(20);
  fixture.holdSyncs = false;
  await fixture.settle(Promise.all(calls));
  assert.equal(fixture.drive.synced.filter((record) => record === "names").length, 1);
});

test("a memory drive is never synced, and a full one says so", async () => {
  const fixture = new TargetFixture({ drive: "memory", driveBytes: 20_000 });
  await fixture.registered();
  await fixture.createRegion(1, 0, 8000);
  assert.deepEqual(fixture.drive.synced, []);
  await refuses("ERR_NO_SPACE", fixture.createRegion(2, 0, 8000));
  await fixture.removeRegion(1, 0);
  await fixture.createRegion(2, 0, 8000);
});

test("a failed sync fails the creation", async () => {
  const fixture = new TargetFixture();
  await fixture.registered();
  fixture.drive.failSyncs = true;
  await refuses("ERR_IO", fixture.createRegion(1, 0, 100));
  assert.equal(fixture.drive.openCount, 0);
});

test("bind, access, unbind", async () => {
  const { fixture, origin, session } = await serving();
  const window = await origin.bind(whole(1, { at: 4096, byteLength: 100 }));
  assert.deepEqual(
    { ...window },
    {
      handle: 1,
      worker: window.worker,
      regionBytes: BYTES,
      dataOffset: 4096,
      direct: false,
      protection: "checked",
    },
  );
  const client = fixture.enter(window.worker, session);
  const put = { opcode: OPCODE.PUT, handle: 1, offset: 92, length: 8, operand: -1n };
  assert.equal(client.call(put).status, 0);
  assert.equal(fixture.dataOf(1, 0).i64[(4096 + 92 - 4) / 8], -(2n ** 32n));
  assert.equal(client.call({ ...put, offset: 93 }).status, 40);
  await origin.call("window.unbind", { handle: 1 });
  assert.equal(client.call(put).status, 44);
  await refuses("ERR_BAD_HANDLE", origin.call("window.unbind", { handle: 1 }));
  const again = await origin.bind(whole(1));
  assert.equal(again.handle, 2, "handles are not used twice");
});

test("what cannot be bound is refused with the reason", async () => {
  const { fixture, origin } = await serving();
  await refuses("ERR_DATA_LOST", origin.bind(whole(99)), /99\.0 is gone/);
  await refuses("ERR_RANGE", origin.bind(whole(1, { at: 1 })), /10000 bytes/);
  await refuses("ERR_RANGE", origin.bind(whole(1, { at: 2 ** 53 - 1, byteLength: 2 ** 53 - 1 })));
  const stranger = await fixture.origin("tcp");
  await refuses("ERR_SESSION_LOST", stranger.bind(whole(1)));
  await refuses("ERR_INVALID_ARGUMENT", origin.openSession());
  // A region that is not what its name says.
  await fixture.createRegion(2, 0, BYTES);
  const object = fixture.drive.open("2.0");
  fixture.memory.map(object?.descriptor ?? 0, 0, 4096, true).u8[16] = 77;
  await refuses("ERR_CORRUPT", origin.bind(whole(2)));
  // One whose first page came back as zeros: the rest is not to be trusted either.
  fixture.memory.map(object?.descriptor ?? 0, 0, 4096, true).u8.fill(0);
  await refuses("ERR_DATA_LOST", origin.bind(whole(2)), /first page/);
  await fixture.createRegion(2, 0, BYTES);
  const memory = await serving({ drive: "memory" });
  await refuses("ERR_DATA_LOST", memory.origin.bind(whole(3)), /when its target restarts/);
});

test("managed and raw windows exclude each other while they last", async () => {
  const { fixture, origin } = await serving();
  const other = await fixture.origin("tcp");
  await other.openSession();
  const first = await origin.bind(whole(1));
  await other.bind(whole(1));
  await refuses("ERR_SHARING_CONFLICT", other.bind(whole(1, { sharing: "raw" })), /managed access/);
  await origin.call("window.unbind", { handle: first.handle });
  await refuses("ERR_SHARING_CONFLICT", origin.bind(whole(1, { sharing: "raw" })));
  other.channel.close();
  await fixture.steps(10);
  const raw = await origin.bind(whole(1, { sharing: "raw" }));
  await refuses("ERR_SHARING_CONFLICT", origin.bind(whole(1)), /raw access/);
  await origin.call("window.unbind", { handle: raw.handle });
  await origin.bind(whole(1));
});

test("who gets a descriptor, and what stands behind it", async () => {
  const cases: [TargetFixtureOptions, Partial<Window>, string][] = [
    [{}, {}, "read-only advisory"],
    [{ peerUid: 7 }, {}, "read-only mmu"],
    [{ peerUid: 0 }, { rights: "r" }, "read-only advisory"],
    [{}, { sharing: "raw" }, "read-write advisory"],
    [{ peerUid: 7 }, { sharing: "raw" }, "none checked"],
    [{ peerUid: 7, drive: "memory" }, { sharing: "raw" }, "read-write mmu"],
    [{ peerUid: 7 }, { sharing: "raw", rights: "r" }, "read-only mmu"],
    [{}, { at: 1, byteLength: BYTES - 1 }, "none checked"],
    [{}, { direct: false }, "none checked"],
  ];
  for (const [options, params, expected] of cases) {
    const { fixture, origin } = await serving(options);
    const call = origin.channel.callWithDescriptor(
      "window.bind",
      origin.bindParams(whole(1, { direct: true, ...params })),
      { timeoutMs: 1e6 },
    );
    const { result, descriptor } = await fixture.settle(call);
    assert.equal(result.direct, descriptor !== undefined);
    // What is passed read-only is a copy, which the target closes once it has left.
    const kind =
      descriptor === undefined ? "none" : fixture.closedDescriptors.length > 0 ? "read-only" : "read-write";
    assert.equal(`${kind} ${result.protection}`, expected, JSON.stringify([options, params]));
    await fixture.pass(1100);
    const beat = fixture.told.at(-1)?.params as Params<"meta.heartbeat">;
    assert.equal(beat.counters.mappings, descriptor === undefined ? 0 : 1);
    assert.equal(beat.counters.mappedBytes, descriptor === undefined ? 0 : BYTES);
  }
  const { fixture } = await serving();
  const remote = await fixture.origin("tcp");
  await remote.openSession();
  const window = await remote.bind(whole(1, { direct: true }));
  assert.deepEqual([window.direct, window.protection], [false, "checked"]);
  assert.equal(OWN_UID, 1000);
});

test("a session that is not renewed ends, and everything it had bound goes", async () => {
  const { fixture, origin, session } = await serving();
  assert.equal(session.leaseMs, 10_000);
  const window = await origin.bind(whole(1, { sharing: "raw" }));
  const client = fixture.enter(window.worker, session);
  for (let i = 0; i < 3; i += 1) {
    await fixture.pass(8000);
    await origin.call("session.renew", {});
  }
  assert.equal(client.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 0);
  await fixture.pass(11_200);
  client.receive();
  assert.ok(client.ended, "its data connections are closed");
  assert.ok(origin.channel.ended);
  const other = await fixture.origin();
  await other.openSession();
  await other.bind(whole(1));
});

test("a breach of the protocol on a data connection ends the whole session, and no other", async () => {
  const { fixture, origin, session } = await serving();
  const other = await fixture.origin();
  await other.openSession();
  await origin.bind(whole(1));
  fixture.enter(0, session).send(new Uint8Array(64));
  await fixture.steps(10);
  assert.ok(origin.channel.ended);
  await other.bind(whole(1, { sharing: "raw" }));
  assert.equal(fixture.sum("protocolErrors"), 1);
  assert.match(fixture.log.text(), /broke the protocol","fields":{"session":1,/);
});

test("regions are spread over the workers, and each is served by its home", async () => {
  const { fixture, origin, session } = await serving({ workers: 3 });
  const clients = [0, 1, 2].map((worker) => fixture.enter(worker, session));
  const homes = new Map<number, number>();
  for (let inode = 2; inode < 32; inode += 1) {
    await fixture.createRegion(inode, 0, BYTES);
    const window = await origin.bind(whole(inode));
    homes.set(window.worker, (homes.get(window.worker) ?? 0) + 1);
    const put = { opcode: OPCODE.PUT, handle: window.handle, offset: 0, length: 8, operand: BigInt(inode) };
    assert.deepEqual(
      clients.map((client) => client.call(put).status === 0),
      [0, 1, 2].map((worker) => worker === window.worker),
    );
    assert.equal(fixture.dataOf(inode, 0).i64[0], BigInt(inode));
  }
  assert.equal(homes.size, 3);
});

test("a removed region serves those who have it open, and nobody new", async () => {
  const { fixture, origin, session } = await serving();
  const window = await origin.bind(whole(1));
  await fixture.removeRegion(1, 0);
  assert.deepEqual(fixture.drive.names(), []);
  const client = fixture.enter(window.worker, session);
  assert.equal(client.call({ opcode: OPCODE.GET, handle: window.handle, length: 8 }).status, 0);
  await refuses("ERR_DATA_LOST", origin.bind(whole(1)));
  await origin.call("window.unbind", { handle: window.handle });
  await fixture.steps(5);
  assert.equal(fixture.drive.openCount, 0, "closed with its last user");
  await fixture.removeRegion(1, 0);
});

test("a region whose sync failed is not served again", async () => {
  const { fixture, origin, session } = await serving();
  const window = await origin.bind(whole(1));
  const client = fixture.enter(window.worker, session);
  fixture.drive.failSyncs = true;
  assert.equal(client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 }).status, 82);
  fixture.drive.failSyncs = false;
  const syncs = fixture.drive.synced.length;
  assert.equal(client.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 82);
  assert.equal(client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 }).status, 82);
  await origin.call("window.unbind", { handle: window.handle });
  await fixture.steps(5);
  await refuses("ERR_IO", origin.bind(whole(1)), /sync of region 1\.0 failed/);
  assert.equal(fixture.drive.synced.length, syncs, "never synced again");
});

test("regions without a user stay open for a while, then the least recent go", async () => {
  const { fixture, origin } = await serving({ drive: "memory" });
  for (let inode = 2; inode < 300; inode += 1) {
    await fixture.createRegion(inode, 0, 10);
    const window = await origin.bind(whole(inode, { byteLength: 10 }));
    await origin.call("window.unbind", { handle: window.handle });
  }
  await fixture.steps(5);
  assert.equal(fixture.drive.openCount, 256);
});

test("closing ends sessions and stops the workers", async () => {
  const { fixture, origin } = await serving();
  await origin.bind(whole(1));
  await fixture.settle(fixture.control.close());
  assert.ok(fixture.planes.every((plane) => plane.stopped));
  assert.equal(fixture.drive.openCount, 0);
  await fixture.steps(2);
  assert.ok(origin.channel.ended);
});

test("an origin without the key gets nowhere, and a target is no origin", async () => {
  const { fixture } = await serving();
  const { introduce } = await import("../../src/rpc/handshake.ts");
  const { RpcChannel } = await import("../../src/rpc/channel.ts");
  const attempt = async (key: Uint8Array, role: "origin" | "target") => {
    const stream = fixture.network.connect({ kind: "unix", name: "control" });
    const { memory, clock, random } = fixture;
    const channel = new RpcChannel({ stream, memory, clock, peer: "the target" });
    const done = introduce(channel, { key, random, role, expect: { service: "target" }, timeoutMs: 1e6 });
    done.catch(() => {});
    for (let i = 0; i < 20; i += 1) {
      channel.doWork(clock.nowMs());
      await fixture.step();
    }
    await done;
  };
  await refuses("ERR_AUTH", attempt(new Uint8Array(32), "origin"));
  await refuses("ERR_AUTH", attempt(KEY, "target"), /not called by a target/);
});
