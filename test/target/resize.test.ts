import assert from "node:assert/strict";
import { test } from "node:test";
import type { DriveObject } from "../../src/ports/drive.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimRandom } from "../../src/sim/random.ts";
import type { ErrorCode } from "../../src/std/errors.ts";
import { codeOf, isDidafsError } from "../../src/std/errors.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../../src/structs/region-header.ts";
import { WORDS } from "../../src/structs/words.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE, OPS, opFlags } from "../../src/wire/ops.ts";
import { PowerLossDrive } from "./power-loss-drive.ts";
import { TargetFixture, type TargetFixtureOptions, type Window } from "./target-fixture.ts";
import { command, type RawClient } from "./worker-fixture.ts";

const BYTES = 10_000;

function whole(byteLength: number, more: Partial<Window> = {}): Window {
  return {
    inode: 1,
    index: 0,
    at: 0,
    byteLength,
    rights: "rw",
    sharing: "managed",
    direct: false,
    ...more,
  };
}

async function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isDidafsError(error, code), String(error));
    return true;
  });
}

async function target(options: TargetFixtureOptions = {}) {
  const fixture = new TargetFixture(options);
  await fixture.registered();
  return fixture;
}

/** A target with region 1.0 full of ones, and an origin with a window on it. */
async function serving(options: TargetFixtureOptions = {}) {
  const fixture = await target(options);
  await fixture.createRegion(1, 0, BYTES);
  const origin = await fixture.origin();
  const session = await origin.openSession();
  const window = await origin.bind(whole(BYTES));
  const client = fixture.enter(window.worker, session);
  fixture.dataOf(1, 0).u8.fill(1, 0, BYTES);
  return { fixture, origin, session, window, client };
}

function get(client: RawClient, handle: number, offset: number, length: number) {
  const { status, payload, value } = client.call({ opcode: OPCODE.GET, handle, offset, length });
  return status === 0 ? (length > 8 ? payload : value) : codeOf(status);
}

const ones = (count: number): Uint8Array => new Uint8Array(count).fill(1);

test("a window keeps its range: what is cut is out of reach, and zero when it is back", async () => {
  const { fixture, client } = await serving();
  await fixture.resizeRegion(1, 0, 5001);
  assert.equal(get(client, 1, 4994, 8), "ERR_RANGE");
  assert.equal(get(client, 1, 0, BYTES), "ERR_RANGE");
  assert.deepEqual(get(client, 1, 0, 5001), ones(5001));
  const put = { opcode: OPCODE.PUT, handle: 1, offset: 9000, length: 8, operand: -1n };
  assert.equal(codeOf(client.call(put).status), "ERR_RANGE");
  assert.ok(
    fixture
      .dataOf(1, 0)
      .u8.subarray(5001)
      .every((byte) => byte === 0),
    "it is zeroed at once",
  );
  await fixture.resizeRegion(1, 0, 8000);
  assert.deepEqual(get(client, 1, 5001, 2999), new Uint8Array(2999));
  assert.equal(get(client, 1, 7993, 8), "ERR_RANGE");
  await fixture.resizeRegion(1, 0, BYTES);
  assert.equal(client.call(put).status, 0);
  assert.equal(get(client, 1, 9000, 8), -1n);
  assert.deepEqual(get(client, 1, 0, 5001), ones(5001));
});

test("what was stored behind the end through a mapping is not there when the region grows", async () => {
  const { fixture, client } = await serving();
  await fixture.resizeRegion(1, 0, 4000);
  fixture.dataOf(1, 0).u8.fill(9, 4000);
  await fixture.resizeRegion(1, 0, 6000);
  await fixture.resizeRegion(1, 0, BYTES);
  assert.deepEqual(get(client, 1, 4000, 6000), new Uint8Array(6000));
});

test("a region grows under its windows, far beyond what was mapped; new windows see all of it", async () => {
  const { fixture, origin, client } = await serving();
  await fixture.resizeRegion(1, 0, 1_000_000);
  assert.deepEqual(get(client, 1, 0, BYTES), ones(BYTES));
  assert.equal(get(client, 1, BYTES - 7, 8), "ERR_RANGE", "an old window keeps its range");
  const window = await origin.bind(whole(1_000_000));
  assert.equal(window.regionBytes, 1_000_000);
  assert.deepEqual(get(client, window.handle, BYTES, 990_000), new Uint8Array(990_000));
  const payload = new Uint8Array(500_000).fill(5);
  const put = { opcode: OPCODE.PUT, handle: window.handle, offset: 500_000, length: 500_000, payload };
  assert.equal(client.call(put).status, 0);
  assert.deepEqual(fixture.dataOf(1, 0).u8.slice(500_000, 1_000_000), payload);
  await refuses("ERR_RANGE", origin.bind(whole(1_000_001)));
});

test("closed regions are resized too; unknown ones are lost; the length it has is no error", async () => {
  const fixture = await target();
  await fixture.createRegion(1, 0, 100);
  for (const byteLength of [20_000, 20_000, 0, 0, 5000]) await fixture.resizeRegion(1, 0, byteLength);
  const origin = await fixture.origin();
  await origin.openSession();
  assert.equal((await origin.bind(whole(5000))).regionBytes, 5000);
  await refuses("ERR_DATA_LOST", fixture.resizeRegion(2, 0, 5000));
  await refuses("ERR_DATA_LOST", fixture.resizeRegion(1, 1, 5000));
  await fixture.removeRegion(1, 0);
  await refuses("ERR_DATA_LOST", fixture.resizeRegion(1, 0, 5000));
});

test("more than there is, is ERR_NO_SPACE, and everything is as before", async () => {
  for (const drive of ["file", "memory"] as const) {
    const { fixture, client } = await serving({ drive, driveBytes: 40_000 });
    await refuses("ERR_NO_SPACE", fixture.resizeRegion(1, 0, 50_000));
    await refuses("ERR_NO_SPACE", fixture.resizeRegion(1, 0, Number.MAX_SAFE_INTEGER));
    assert.deepEqual(get(client, 1, 0, BYTES), ones(BYTES));
    await fixture.resizeRegion(1, 0, 20_000);
  }
});

test("resizes of one region follow each other", async () => {
  const { fixture, client } = await serving();
  const lengths = [5000, 40_000, 100, 9000, 9000, 3, BYTES];
  await Promise.all(lengths.map((byteLength) => fixture.resizeRegion(1, 0, byteLength)));
  assert.deepEqual(get(client, 1, 0, 3), 0x010101n);
  assert.deepEqual(get(client, 1, 3, BYTES - 3), new Uint8Array(BYTES - 3));
});

test("it is durable before the answer, and a sync that fails takes the region out of service", async () => {
  const { fixture, client } = await serving();
  for (const byteLength of [20_000, 5000]) {
    fixture.holdSyncs = true;
    let done = false;
    const call = fixture.metaChannel?.call(
      "region.resize",
      { inode: 1, index: 0, byteLength },
      { timeoutMs: 1e6 },
    );
    void call?.then(() => {
      done = true;
    });
    await fixture.steps(20);
    assert.equal(done, false);
    fixture.holdSyncs = false;
    await fixture.settle(call as Promise<unknown>);
  }
  fixture.drive.failSyncs = true;
  await refuses("ERR_IO", fixture.resizeRegion(1, 0, 4000));
  fixture.drive.failSyncs = false;
  await fixture.steps(2);
  assert.equal(get(client, 1, 0, 8), "ERR_IO");
  const flush = { opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 };
  assert.equal(codeOf(client.call(flush).status), "ERR_IO", "a later sync would succeed without the bytes");
  await refuses("ERR_IO", fixture.resizeRegion(1, 0, 4000));
});

test("a payload that arrives while its range is cut does not land behind the cut", async () => {
  for (const opcode of [OPCODE.PUT, OPCODE.ACCUMULATE]) {
    const { fixture, client } = await serving();
    const payload = new Uint8Array(8000).fill(7);
    const flags = opcode === OPCODE.PUT ? 0 : opFlags(OPS.indexOf("replace"), WORDS.indexOf("i64"));
    const frame = command({ opcode, flags, handle: 1, length: 8000, payload });
    client.send(frame.subarray(0, 3064));
    await fixture.steps(5);
    await fixture.resizeRegion(1, 0, 4000);
    client.send(frame.subarray(3064));
    assert.equal(codeOf(client.answer().status), "ERR_RANGE");
    await fixture.resizeRegion(1, 0, BYTES);
    assert.deepEqual(get(client, 1, 4000, 6000), new Uint8Array(6000));
  }
});

test("a payload for what stays goes on through any resize", async () => {
  const { fixture, client } = await serving();
  const payload = Uint8Array.from({ length: 8000 }, (_, i) => i & 0xff);
  const frame = command({ opcode: OPCODE.PUT, handle: 1, length: 8000, payload });
  for (const [from, to, byteLength] of [
    [0, 1000, 500_000],
    [1000, 4000, 8000],
    [4000, 6000, 600_000],
  ] as const) {
    client.send(frame.subarray(from, to));
    await fixture.steps(3);
    await fixture.resizeRegion(1, 0, byteLength);
  }
  client.send(frame.subarray(6000));
  assert.equal(client.answer().status, 0);
  assert.deepEqual(fixture.dataOf(1, 0).u8.slice(0, 8000), payload);
});

test("answers that were given before a cut leave with the bytes of that time", async () => {
  const { fixture, origin, session } = await serving();
  await fixture.resizeRegion(1, 0, 1 << 20);
  const window = await origin.bind(whole(1 << 20));
  fixture.dataOf(1, 0).u8.fill(3);
  const slow = fixture.enter(window.worker, session);
  for (let i = 0; i < 4; i += 1) {
    slow.stream.send(
      fixture.memory.borrow(command({ opcode: OPCODE.GET, handle: window.handle, length: 1 << 20 })),
      0,
      64,
    );
  }
  await fixture.steps(20);
  await fixture.resizeRegion(1, 0, 100);
  assert.deepEqual(slow.answer().payload, new Uint8Array(1 << 20).fill(3));
  const statuses = [1, 2, 3].map(() => {
    const { status, payload } = slow.answer();
    return status === 0 ? payload.every((byte) => byte === 3) : codeOf(status);
  });
  assert.equal(statuses.at(-1), "ERR_RANGE");
  assert.ok(
    statuses.every((status) => status === true || status === "ERR_RANGE"),
    String(statuses),
  );
});

test("what was cut is given back once nobody has the region open, and taken again when it grows", async () => {
  const { fixture, origin, window } = await serving();
  const used = (): number => 2 ** 40 - fixture.drive.capacity().freeBytes;
  await fixture.resizeRegion(1, 0, 1_000_000);
  assert.equal(used(), regionObjectBytes(1_000_000));
  await fixture.resizeRegion(1, 0, 100);
  assert.equal(used(), regionObjectBytes(1_000_000), "not while somebody may have it mapped");
  await origin.call("window.unbind", { handle: window.handle });
  await fixture.steps(5);
  assert.equal(used(), regionObjectBytes(100));
  await fixture.resizeRegion(1, 0, 500_000);
  assert.equal(used(), regionObjectBytes(500_000));
  const again = await origin.bind(whole(500_000));
  await fixture.removeRegion(1, 0);
  await fixture.resizeRegion(1, 0, 5).catch(() => {});
  await origin.call("window.unbind", { handle: again.handle });
  await fixture.steps(5);
  assert.equal(fixture.drive.openCount, 0);
  assert.equal(used(), 0);
});

test("a region that was never written to can be swept, one that might have been cannot", async () => {
  const fixture = await target();
  const origin = await fixture.origin();
  await origin.openSession();
  const sweep = async (inode: number) => (await fixture.call("region.sweep", { inode, index: 0 })).removed;
  for (const inode of [1, 2, 3, 4, 5]) await fixture.createRegion(inode, 0, BYTES);
  const reader = await origin.bind(whole(BYTES, { rights: "r" }));
  assert.equal(await sweep(1), false, "it is open");
  await origin.call("window.unbind", { handle: reader.handle });
  assert.equal(await sweep(1), true, "it was only read");
  assert.equal(await sweep(1), true, "it is not there");
  assert.equal(await sweep(2), true, "it was never opened");
  const writer = await origin.bind(whole(BYTES, { inode: 3 }));
  await origin.call("window.unbind", { handle: writer.handle });
  assert.equal(await sweep(3), false, "idle");
  const restarted = await target({ found: fixture });
  const sweepAgain = async (inode: number) =>
    (await restarted.call("region.sweep", { inode, index: 0 })).removed;
  assert.equal(await sweepAgain(3), false, "also in another life of the target");
  // What is damaged, or lost, may have been anything.
  const object = fixture.drive.open("4.0");
  const page = fixture.memory.map(object?.descriptor ?? 0, 0, 4096, true).u8;
  page[20] = 99;
  assert.equal(await sweepAgain(4), false);
  page.fill(0);
  assert.equal(await sweepAgain(4), false);
  assert.equal(await sweepAgain(5), true);
});

test("a region whose making was cut off can be swept, wherever that was", async () => {
  const maker = await target();
  const { drive, memory } = maker;
  const states: { readonly byteLength: number; readonly page: Uint8Array }[] = [];
  const note = (object: DriveObject): void => {
    const { descriptor, byteLength } = object;
    states.push({ byteLength, page: memory.map(descriptor, 0, REGION_HEADER_BYTES, false).u8.slice() });
  };
  const create = drive.create.bind(drive);
  drive.create = (name, byteLength) => {
    const object = create(name, byteLength);
    note(object);
    const { extend } = object;
    object.extend = (at, end) => {
      note(object);
      extend(at, Math.floor((at + end) / 2));
      note(object);
      extend(at, end);
    };
    return object;
  };
  await maker.createRegion(1, 0, BYTES);
  const made = drive.open("1.0") as DriveObject;
  note(made);
  const torn = {
    byteLength: REGION_HEADER_BYTES,
    page: (states.at(-1)?.page ?? new Uint8Array()).slice(0, 20),
  };
  for (const { byteLength, page } of [{ byteLength: 0, page: new Uint8Array() }, torn, ...states]) {
    const fixture = await target();
    const { descriptor } = fixture.drive.create("1.0", byteLength);
    fixture.memory.map(descriptor, 0, byteLength, true).u8.set(page);
    const { removed } = await fixture.call("region.sweep", { inode: 1, index: 0 });
    assert.equal(removed, true, `${byteLength} bytes, of which the first are ${page.slice(0, 8)}`);
    assert.deepEqual(fixture.drive.names(), []);
  }
});

test("lists come in pages in the order of numbers, and leave out what is no region", async () => {
  const fixture = await target();
  const names = [
    [2, 0],
    [2, 1],
    [2, 10],
    [10, 0],
    [9_007_199_254_740_991, 7],
  ] as const;
  for (const [inode, index] of [...names].reverse()) await fixture.createRegion(inode, index, 1);
  for (const name of ["2.01", "02.0", "lost", "1", "1.2.3", "9007199254740993.0"]) {
    fixture.drive.create(name, 4096).close();
  }
  const pages = async (method: "region.list" | "region.audit", limit: number) => {
    const found: { inode: number; index: number }[] = [];
    for (let more = true; more; ) {
      const page = await fixture.call(method, { after: found.at(-1), limit });
      assert.ok(page.regions.length <= Math.max(1, limit));
      found.push(...page.regions);
      more = page.more;
    }
    return found;
  };
  const expected = names.map(([inode, index]) => ({ inode, index }));
  for (const limit of [0, 1, 2, 5, 1e9]) {
    assert.deepEqual(await pages("region.list", limit), expected);
    assert.equal((await pages("region.audit", limit)).length, 5);
  }
  // A listing that goes on while regions come and go has those once that were there all the while.
  const first = await fixture.call("region.list", { limit: 2 });
  await fixture.removeRegion(2, 10);
  await fixture.createRegion(1, 0, 1);
  const rest = await fixture.call("region.list", { after: first.regions.at(-1), limit: 100 });
  assert.deepEqual(
    rest.regions.filter(({ index }) => index !== 10),
    expected.slice(3),
  );
  const behind = await fixture.call("region.list", { after: { inode: 2 ** 53 - 1, index: 8 }, limit: 1 });
  assert.deepEqual({ ...behind }, { regions: [], more: false });
});

test("a page fits a message, however many regions there are", async () => {
  const fixture = await target({ drive: "memory" });
  for (let inode = 0; inode < 5000; inode += 1) {
    const name = `${Number.MAX_SAFE_INTEGER - inode}.${2 ** 32 - 1}`;
    fixture.drive.create(name, 4096).close();
  }
  const page = await fixture.call("region.list", { limit: 1e9 });
  assert.equal(page.regions.length, 4096);
  assert.equal(page.more, true);
  const audit = await fixture.call("region.audit", { limit: 1e9 });
  assert.equal(audit.regions.length, 64);
  assert.match(audit.regions[0]?.fault ?? "", /lost its first page/);
});

test("an audit tells what headers say, and what is wrong with those that say nothing", async () => {
  const { fixture } = await serving();
  await fixture.createRegion(2, 0, 77);
  await fixture.resizeRegion(2, 0, 50);
  await fixture.createRegion(3, 0, 5);
  const object = fixture.drive.open("3.0");
  fixture.memory.map(object?.descriptor ?? 0, 0, 4096, true).u8[16] = 9;
  const { regions, more } = await fixture.call("region.audit", { limit: 100 });
  assert.equal(more, false);
  assert.deepEqual({ ...regions[0] }, { inode: 1, index: 0, byteLength: BYTES, written: true });
  assert.deepEqual({ ...regions[1] }, { inode: 2, index: 0, byteLength: 50, written: false });
  assert.match(regions[2]?.fault ?? "", /both copies of its header are damaged/);
  const only = await fixture.call("region.audit", { only: { inode: 2, index: 0 }, limit: 1 });
  assert.deepEqual(only.regions, [regions[1]]);
  const gone = await fixture.call("region.audit", { only: { inode: 2, index: 1 }, limit: 1 });
  assert.deepEqual({ ...gone }, { regions: [], more: false });
  assert.equal(fixture.drive.openCount, 2, "1.0, which is in use, and what this test opened");
});

interface Interrupted {
  readonly drive: PowerLossDrive;
  /** Lengths that were asked for; all but the last were confirmed, and that one too where `done`. */
  readonly asked: number[];
  readonly done: boolean;
}

/** Fills region 1.0 with ones, resizes it again and again, and stops everything after `steps` steps of that. */
async function interrupted(lengths: readonly number[], steps: number): Promise<Interrupted> {
  const memory = new SimMemory();
  const drive = new PowerLossDrive(memory);
  const fixture = await target({ found: { memory, drive } });
  const [made = 0] = lengths;
  await fixture.createRegion(1, 0, made);
  const origin = await fixture.origin();
  const session = await origin.openSession();
  const window = await origin.bind(whole(made));
  fixture.dataOf(1, 0).u8.fill(1, 0, made);
  const flush = { opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 };
  assert.equal(fixture.enter(window.worker, session).call(flush).status, 0);
  const asked = [made];
  let left = steps;
  for (const byteLength of lengths.slice(1)) {
    asked.push(byteLength);
    let done = false;
    const params = { inode: 1, index: 0, byteLength };
    void fixture.metaChannel?.call("region.resize", params, { timeoutMs: 1e6 }).then(() => {
      done = true;
    });
    for (; !done && left > 0; left -= 1) await fixture.step();
    if (!done) return { drive, asked, done };
  }
  return { drive, asked, done: true };
}

for (const [event, leave] of [
  ["the end of the process", (drive: PowerLossDrive) => drive.keep()],
  ["a loss of power", (drive: PowerLossDrive, random: SimRandom) => drive.losePower(random)],
] as const) {
  test(`${event} at any step of a resize leaves the length before or after it; old bytes never come back`, async () => {
    const lengths = [BYTES, 20_000, 3000, 9000];
    for (let run = 4, complete = false; !complete; run += 1) {
      // Several runs for each step, each with other luck.
      const steps = Math.floor(run / 4);
      const { drive, asked, done } = await interrupted(lengths, steps);
      complete = done && asked.length === lengths.length;
      const fixture = await target({ found: leave(drive, new SimRandom(run)) });
      const [audited] = (await fixture.call("region.audit", { limit: 1 })).regions;
      const when = `after ${steps} steps, ${asked} asked for`;
      assert.equal(audited?.fault, undefined, when);
      const byteLength = audited?.byteLength as number;
      assert.ok(asked.slice(done ? -1 : -2).includes(byteLength), `${when}: ${byteLength} bytes`);
      await fixture.resizeRegion(1, 0, 40_000);
      const data = fixture.dataOf(1, 0).u8.subarray(0, 40_000);
      const keeps = Math.min(...asked);
      assert.deepEqual(data.slice(0, keeps), ones(keeps), when);
      const confirmed = Math.min(byteLength, ...(done ? asked : asked.slice(0, -1)));
      assert.ok(
        data.subarray(confirmed).every((byte) => byte === 0),
        `${when}: old bytes came back`,
      );
      assert.ok(steps < 1000, "it comes to its end");
    }
  });
}
