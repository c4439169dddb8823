/** Whom a target gives the notice board of a region, and which lanes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Processes } from "../../src/ports/process.ts";
import { DidafsError } from "../../src/std/errors.ts";
import {
  BOARD_BYTES,
  BOARD_LANES,
  boardGeneration,
  laneSerial,
  laneSource,
  publishNotice,
  setTakenCount,
} from "../../src/structs/notice-board.ts";
import { REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { BoardLanes, type LaneOwner } from "../../src/target/board-lanes.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { encodeQueue } from "../../src/wire/notifications.ts";
import { type Origin, TargetFixture, type TargetFixtureOptions, type Window } from "./target-fixture.ts";

const BYTES = 10_000;
const BOARDS_MAX = 256;

function whole(inode: number, more: Partial<Window> = {}): Window {
  const window = {
    inode,
    index: 0,
    at: 0,
    byteLength: BYTES,
    rights: "rw",
    sharing: "raw",
    direct: true,
  } as const;
  return { ...window, ...more };
}

async function serving(options: TargetFixtureOptions = {}) {
  const fixture = new TargetFixture({ workers: 1, ...options });
  await fixture.registered();
  for (const inode of [1, 2]) await fixture.createRegion(inode, 0, BYTES);
  const enter = async (kind: "unix" | "tcp" = "unix") => {
    const origin = await fixture.origin(kind);
    const session = await origin.openSession(600_000);
    return { ...origin, session };
  };
  const ask = (origin: Origin, handle: number, make = true) =>
    fixture.settle(origin.channel.callWithDescriptor("window.board", { handle, make }, { timeoutMs: 1e6 }));
  const map = (descriptor: number | undefined) =>
    fixture.memory.map(descriptor as number, 0, BOARD_BYTES, true);
  const header = (inode: number): Int32Array => {
    const object = fixture.drive.open(`${inode}.0`);
    object?.close();
    return fixture.memory.map(object?.descriptor as number, 0, REGION_HEADER_BYTES, false).i32;
  };
  /** Takes all lanes of the board of region 1. */
  const takeAll = async (origin: Origin): Promise<number[]> => {
    const handles: number[] = [];
    for (let lane = 0; lane < BOARD_LANES; lane += 1) {
      const { handle } = await origin.bind(whole(1));
      assert.equal((await ask(origin, handle)).result.lane, lane);
      handles.push(handle);
    }
    return handles;
  };
  return { fixture, enter, ask, map, header, takeAll };
}

test("a region has a board once somebody asks for one; others get the same one, and other lanes", async () => {
  const { fixture, enter, ask, map, header } = await serving();
  const [one, other] = [await enter(), await enter()];
  const { handle: first } = await one.bind(whole(1));
  const { handle: second } = await other.bind(whole(1));
  const { handle: beside } = await one.bind(whole(2));
  assert.deepEqual(await ask(one, first, false), { result: { generation: 0 }, descriptor: undefined });
  const made = await ask(one, first);
  const found = await ask(other, second, false);
  const { generation } = made.result;
  assert.equal(generation, boardGeneration(header(1)));
  assert.ok(generation > 0);
  assert.deepEqual([made.result.lane, found.result], [0, { lane: 1, generation }]);
  assert.equal(made.descriptor, found.descriptor);
  const { i32: words, u8: bytes } = map(made.descriptor);
  assert.deepEqual(
    [0, 1].map((lane) => [laneSource(bytes, lane), laneSerial(words, lane)]),
    [
      [one.key.publicKey, 1],
      [other.key.publicKey, 1],
    ],
  );
  const elsewhere = await ask(one, beside);
  assert.deepEqual(elsewhere.result, { lane: 0, generation: generation + 1 });
  assert.notEqual(elsewhere.descriptor, made.descriptor);
  assert.deepEqual([fixture.lines.openCount, fixture.lines.names()], [2, []]);
});

test("who asks at the same time gets one board, and each window a lane of its own, once", async () => {
  const { fixture, enter } = await serving();
  const one = await enter();
  const handles = [(await one.bind(whole(1))).handle, (await one.bind(whole(1))).handle];
  const asked = [...handles, ...handles].map((handle) =>
    one.channel.call("window.board", { handle, make: true }, { timeoutMs: 1e6 }),
  );
  const lanes = (await fixture.settle(Promise.all(asked))).map(({ lane }) => lane);
  assert.deepEqual(lanes, [0, 1, 0, 1]);
  assert.equal(fixture.lines.openCount, 1);
});

test("nobody gets one for a window that cannot store to its mapping", async () => {
  const { fixture, enter, ask } = await serving();
  const [here, remote] = [await enter(), await enter("tcp")];
  const windows = [
    [here, whole(1, { rights: "r" })],
    [here, whole(1, { byteLength: 100 })],
    [here, whole(1, { direct: false })],
    [here, whole(2, { sharing: "managed" })],
    [remote, whole(1)],
  ] as const;
  for (const [origin, window] of windows) {
    const { handle } = await origin.bind(window);
    for (const make of [true, false]) {
      await assert.rejects(ask(origin, handle, make), { code: "ERR_NOT_DIRECT" });
    }
  }
  await assert.rejects(ask(here, 99), { code: "ERR_BAD_HANDLE" });
  const { handle } = await here.bind(whole(1));
  await here.call("window.unbind", { handle });
  await assert.rejects(ask(here, handle), { code: "ERR_BAD_HANDLE" });
  assert.equal(fixture.lines.openCount, 0);
});

test("one whose window goes while the board is made gets nothing, and keeps no lane", async () => {
  const { fixture, enter, ask } = await serving();
  const one = await enter();
  const { handle } = await one.bind(whole(1));
  const { handle: next } = await one.bind(whole(1));
  const asked = one.channel.callWithDescriptor("window.board", { handle, make: true }, { timeoutMs: 1e6 });
  const refused = assert.rejects(asked, { code: "ERR_BAD_HANDLE" });
  await fixture.settle(
    Promise.all([refused, one.channel.call("window.unbind", { handle }, { timeoutMs: 1e6 })]),
  );
  assert.equal((await ask(one, next)).result.lane, 0);
});

test("who has seen that there is one is given it, also before whoever had it made", async () => {
  const { fixture, enter, header } = await serving();
  const [one, other] = [await enter(), await enter()];
  const { handle } = await one.bind(whole(1));
  const { handle: second } = await other.bind(whole(1));
  const made = one.channel.callWithDescriptor("window.board", { handle, make: true }, { timeoutMs: 1e6 });
  const asked = { handle: second, make: false };
  const words = header(1);
  while (boardGeneration(words) === 0) await fixture.step();
  const found = other.channel.callWithDescriptor("window.board", asked, { timeoutMs: 1e6 });
  other.channel.doWork(fixture.clock.nowMs());
  const [first, next] = await fixture.settle(Promise.all([made, found]));
  assert.deepEqual([first.result.lane, next.result.lane].sort(), [0, 1]);
  assert.equal(next.result.generation, boardGeneration(words));
});

test("lanes that processes have left come first, and the worker is told of those that were let go", async () => {
  const given: number[] = [];
  const left: number[] = [];
  const ended = new Set<number>();
  const processes = { startOf: (pid: number) => (ended.has(pid) ? undefined : "start") } as Processes;
  const lanes = new BoardLanes(processes, (lane) => left.push(lane));
  const owner = (pid: number): LaneOwner => ({
    source: "",
    session: pid,
    token: new Uint8Array(16),
    handle: 1,
    process: { pid, start: "start" },
  });
  const take = (pid: number) =>
    lanes.take(owner(pid), async (lane) => {
      given.push(lane);
      return true;
    });
  for (const pid of [1, 2, 3]) await take(pid);
  lanes.free(({ session }) => session === 1);
  assert.deepEqual(left, [0]);
  ended.add(2);
  assert.deepEqual([await take(4), await take(5), await take(6)], [1, 0, 3]);
  assert.deepEqual(given, [0, 1, 2, 1, 0, 3]);
});

test("a window keeps its lane until it is unbound; then another one has it", async () => {
  const { enter, ask, map, takeAll } = await serving();
  const one = await enter();
  const handles = await takeAll(one);
  const other = await enter();
  const { handle } = await other.bind(whole(1));
  const full = await ask(other, handle);
  assert.deepEqual(full, { result: { generation: 0 }, descriptor: undefined });
  assert.equal((await ask(one, handles[7] as number)).result.lane, 7);
  await one.call("window.unbind", { handle: handles[7] as number });
  const given = await ask(other, handle);
  assert.equal(given.result.lane, 7);
  const { i32: words, u8: bytes } = map(given.descriptor);
  assert.deepEqual([laneSource(bytes, 7), laneSerial(words, 7)], [other.key.publicKey, 2]);
});

test("a lane whose owner has put something that was not taken is given once it was", async () => {
  const { fixture, enter, ask, map } = await serving();
  const one = await enter();
  const { handle } = await one.bind(whole(1));
  const { handle: next } = await one.bind(whole(1));
  const { i32: words } = map((await ask(one, handle)).descriptor);
  const range = { at: 0, length: 8, number: 1, capacity: 1, tag: undefined, source: undefined };
  const payload = encodeQueue({ ...range, onBoard: true });
  assert.equal((await ask(one, next)).result.lane, 1);
  const opening = { opcode: OPCODE.QUEUE_OPEN, handle: next, length: payload.length, payload };
  assert.equal(fixture.enter(0, one.session).call(opening).value, 1n);
  publishNotice(words, 0, 0, 0, 0, 0, 0, 8, 1);
  await one.call("window.unbind", { handle });
  const { handle: third } = await one.bind(whole(1));
  assert.equal((await ask(one, third)).result.lane, 2, "the next one");
  const { handle: fourth } = await one.bind(whole(1));
  setTakenCount(words, 0, 0, 1);
  assert.equal((await ask(one, fourth)).result.lane, 0);
});

test("the lanes of a session that has ended are free once its origin says so, or its process has ended", async () => {
  for (const end of ["detached", "process"] as const) {
    const { fixture, enter, ask, takeAll } = await serving();
    const one = await enter();
    await takeAll(one);
    const other = await enter();
    const { handle } = await other.bind(whole(1));
    one.channel.close();
    await fixture.steps(5);
    assert.equal((await ask(other, handle)).result.lane, undefined, "it may store there still");
    const { session, token } = one.session;
    await other.call("session.detached", { session, token: "00".repeat(32) });
    assert.equal((await ask(other, handle)).result.lane, undefined, "that is not its token");
    if (end === "detached") await other.call("session.detached", { session, token });
    else fixture.processes.end(1);
    assert.equal((await ask(other, handle)).result.lane, 0);
  }
});

test("a window that is revoked keeps its lane until its origin says that it has let go", async () => {
  const { fixture, enter, ask, takeAll } = await serving();
  const one = await enter();
  const handles = await takeAll(one);
  one.channel.admit({ "window.revoked": () => ({}) });
  await fixture.call("region.revoke", { inode: 1, index: 0, gen: 1 });
  const other = await enter();
  const { handle } = await other.bind(whole(1), { gen: 1 });
  assert.equal((await ask(other, handle)).result.lane, undefined);
  await assert.rejects(ask(one, handles[3] as number), { code: "ERR_BAD_HANDLE" });
  await assert.rejects(one.call("window.unbind", { handle: handles[3] as number }), {
    code: "ERR_BAD_HANDLE",
  });
  assert.equal((await ask(other, handle)).result.lane, 3);
});

test("it is closed with its region", async () => {
  const { fixture, enter, ask } = await serving();
  const one = await enter();
  const { handle } = await one.bind(whole(1));
  await ask(one, handle);
  await fixture.removeRegion(1, 0);
  assert.equal(fixture.lines.openCount, 1, "who has the region open keeps it");
  await one.call("window.unbind", { handle });
  await fixture.steps(5);
  assert.equal(fixture.lines.openCount, 0);
});

test("where there is no room for it, it is refused, and the next one may get it", async () => {
  const { fixture, enter, ask } = await serving();
  const one = await enter();
  const { handle } = await one.bind(whole(1));
  const { create } = fixture.lines;
  fixture.lines.create = () => {
    fixture.lines.create = create;
    throw new DidafsError("ERR_NO_SPACE", "full");
  };
  await assert.rejects(ask(one, handle), { code: "ERR_NO_SPACE" });
  assert.equal((await ask(one, handle)).result.lane, 0);
});

test(`${BOARDS_MAX} regions in use have one at a time; those that nobody uses make room`, async () => {
  const { fixture, enter, ask } = await serving();
  const one = await enter();
  const open = async (inode: number): Promise<number> => {
    if (inode > 2) await fixture.createRegion(inode, 0, BYTES);
    return (await one.bind(whole(inode))).handle;
  };
  const handles: number[] = [];
  for (let inode = 1; inode <= BOARDS_MAX; inode += 1) {
    const handle = await open(inode);
    await ask(one, handle);
    handles.push(handle);
  }
  const late = await open(BOARDS_MAX + 1);
  await assert.rejects(ask(one, late), { code: "ERR_TOO_MANY", message: /256 regions/ });
  assert.equal(fixture.lines.openCount, BOARDS_MAX);
  await one.call("window.unbind", { handle: handles[9] as number });
  assert.equal((await ask(one, late)).result.lane, 0);
  assert.equal(fixture.lines.openCount, BOARDS_MAX);
});
