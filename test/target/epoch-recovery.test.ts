import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CommitRecord, RECORD_KIND } from "../../src/epoch/commit-records.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimRandom } from "../../src/sim/random.ts";
import type { DidafsError, ErrorCode } from "../../src/std/errors.ts";
import { REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { homeWorker } from "../../src/target/open-regions.ts";
import {
  committedAlone,
  decided,
  FORMER,
  leaveLog,
  nameOf,
  preparedFor,
  selfOf,
  writeOf,
} from "./left-logs.ts";
import { PowerLossDrive } from "./power-loss-drive.ts";
import { ScriptedWorkers } from "./scripted-workers.ts";
import { TargetFixture, type TargetFixtureOptions } from "./target-fixture.ts";

const BYTES = 10_000;
const RECOVERED = "recovered epochs";

/** Inodes whose first region has that home among two workers. */
const at = (worker: number): number[] =>
  Array.from({ length: 40 }, (_, i) => i + 1).filter((inode) => homeWorker(inode, 0, 2) === worker);
/** There is no region of GONE. */
const [A = 0, B = 0, C = 0, GONE = 0] = at(0);
const [D = 0] = at(1);

/** A target that has made regions, each filled with ones, and has ended. */
async function former(options: TargetFixtureOptions = {}): Promise<TargetFixture> {
  const fixture = new TargetFixture({ scripted: true, ...options });
  const workers = new ScriptedWorkers(fixture);
  await fixture.registered();
  for (const inode of [A, B, C, D]) {
    await fixture.createRegion(inode, 0, BYTES);
    fixture.dataOf(inode, 0).u8.fill(1);
  }
  assert.deepEqual(workers.orders(0, "epoch-self")[0]?.log, undefined);
  return fixture;
}

/** The next life of it. */
function next(found: Pick<TargetFixture, "memory" | "drive" | "logs">, options: TargetFixtureOptions = {}) {
  found.drive.synced.length = 0;
  const fixture = new TargetFixture({ found, scripted: true, ...options });
  return { fixture, workers: new ScriptedWorkers(fixture) };
}

const bytesAt = (fixture: TargetFixture, inode: number, from: number, count: number): number[] => [
  ...fixture.dataOf(inode, 0).u8.subarray(from, from + count),
];

function descriptorOf(fixture: TargetFixture, name: string): number {
  const object = fixture.drive.open(name);
  assert.ok(object);
  object.close();
  return object.descriptor;
}

async function doesNotServe(fixture: TargetFixture, code: ErrorCode, message: RegExp): Promise<void> {
  await fixture.pass(3000);
  assert.equal(fixture.control.registered, false);
  assert.deepEqual(fixture.told, []);
  const failure = fixture.control.recoveryFailure as DidafsError | undefined;
  assert.equal(failure?.code, code, failure?.stack);
  assert.match(failure.message, message);
}

describe("recovering epochs", () => {
  test("puts what was committed into its regions, durably, and the log before them; only then the target serves", async () => {
    const left = await former();
    leaveLog(left, 0, [
      committedAlone(1, writeOf(A, 10, 2), writeOf(B, 0, 3)),
      committedAlone(2, writeOf(A, 12, 4)),
    ]);
    const { fixture, workers } = next(left, { holdSyncs: true });
    const states: unknown[] = [];
    for (let round = 0; round < 20; round += 1) {
      // Long enough for everything that does not wait for a sync.
      await fixture.steps(8);
      const before = fixture.drive.synced.length;
      const bytes = bytesAt(fixture, A, 9, 7);
      fixture.syncer.doWork();
      if (fixture.drive.synced.length > before) {
        const { registered } = fixture.control;
        states.push({ bytes, synced: new Set(fixture.drive.synced.slice(before)), registered });
        assert.ok(!workers.types(0).includes("epoch-self"), "the worker is not told before it is durable");
      }
    }
    const [log, a, b] = ["epochs.0", `${A}.0`, `${B}.0`].map((name) => descriptorOf(fixture, name));
    assert.deepEqual(states, [
      { bytes: [1, 1, 1, 1, 1, 1, 1], synced: new Set([log]), registered: false },
      { bytes: [1, 2, 2, 4, 4, 4, 4], synced: new Set([a, b]), registered: false },
    ]);
    assert.deepEqual(bytesAt(fixture, B, 0, 6), [3, 3, 3, 3, 1, 1]);
    assert.ok(fixture.control.registered);
    assert.deepEqual(fixture.log.lines.find(({ msg }) => msg === RECOVERED)?.fields, {
      records: 2,
      regions: 2,
      inDoubt: 0,
      decisions: 0,
    });
  });

  test("hands each worker who it is and its log, before any session", async () => {
    const left = await former();
    const bytes = leaveLog(left, 0, [committedAlone(1, writeOf(A, 0, 2))]);
    const before = bytes.slice();
    const { fixture, workers } = next(left);
    await fixture.registered();
    const origin = await fixture.origin();
    const session = await origin.openSession();
    await fixture.steps(3);
    const [first, second] = [await workers.order(0, "epoch-self"), await workers.order(1, "epoch-self")];
    assert.deepEqual([first.self, second.self], [selfOf(0), selfOf(1)]);
    assert.deepEqual([first.incarnation, second.incarnation], [session.incarnation, session.incarnation]);
    assert.notEqual(session.incarnation, FORMER);
    assert.equal(first.log?.descriptor, descriptorOf(fixture, "epochs.0"));
    assert.deepEqual([first.log.byteLength, first.log.durable], [bytes.length, true]);
    assert.equal(second.log, undefined);
    for (const worker of [0, 1]) {
      const types = workers.types(worker);
      assert.ok(types.indexOf("epoch-self") < types.indexOf("session-open"), types.join());
    }
    assert.deepEqual(bytes, before, "its worker alone writes to a log");
    assert.ok(fixture.drive.openCount > 0, "it stays open");
    await fixture.settle(fixture.control.close());
    assert.equal(fixture.drive.openCount, 0);
  });

  test("keeps the regions open that epochs in doubt have lines in, until they are removed, and puts nothing there", async () => {
    const left = await former();
    leaveLog(left, 0, [preparedFor(1, A, writeOf(B, 0, 7)), preparedFor(2, GONE, writeOf(A, 5000, 7))]);
    const { fixture, workers } = next(left);
    await fixture.registered();
    const { regions } = await workers.order(0, "epoch-self");
    const grantOf = (inode: number) => ({
      inode,
      index: 0,
      descriptor: descriptorOf(fixture, `${inode}.0`),
      byteLength: BYTES,
      durable: true,
    });
    assert.deepEqual(new Set(regions), new Set([grantOf(A), grantOf(B)]), "GONE is");
    assert.deepEqual((await workers.order(1, "epoch-self")).regions, []);
    assert.deepEqual([bytesAt(fixture, B, 0, 1), bytesAt(fixture, A, 5000, 1)], [[1], [1]]);
    assert.equal(fixture.drive.openCount, 3);
    await fixture.removeRegion(A, 0);
    await fixture.steps(3);
    assert.deepEqual(workers.orders(0, "unmap"), [{ type: "unmap", inode: A, index: 0 }]);
    assert.equal(fixture.drive.openCount, 2);
  });

  test("leaves out regions that are gone, and what lies behind a region's end", async () => {
    const left = await former();
    leaveLog(left, 0, [
      committedAlone(
        1,
        writeOf(GONE, 0, 2),
        writeOf(A, BYTES - 2, 3),
        writeOf(B, BYTES, 4),
        writeOf(C, 0, 5),
      ),
    ]);
    const { fixture, workers } = next(left);
    await fixture.registered();
    await workers.order(0, "epoch-self");
    assert.deepEqual(bytesAt(fixture, A, BYTES - 4, 8), [1, 1, 3, 3, 1, 1, 1, 1]);
    assert.deepEqual(bytesAt(fixture, B, BYTES - 4, 8), [1, 1, 1, 1, 1, 1, 1, 1]);
    assert.deepEqual(bytesAt(fixture, C, 0, 5), [5, 5, 5, 5, 1]);
    assert.ok(!fixture.drive.names().includes(`${GONE}.0`), "no region is made");
    assert.equal(fixture.drive.openCount, 1, "the log");
  });

  test("does the same again after a crash in the middle", async () => {
    const left = await former();
    const records = [committedAlone(1, writeOf(A, 10, 2)), committedAlone(2, writeOf(A, 12, 4))];
    leaveLog(left, 0, records);
    for (const rounds of [1, 2, 3]) {
      const { fixture } = next(left, { holdSyncs: true });
      for (let round = 0; round < rounds; round += 1) {
        await fixture.step();
        if (round + 1 < rounds) fixture.syncer.doWork();
      }
      assert.equal(fixture.control.registered, false);
    }
    const { fixture, workers } = next(left);
    await fixture.registered();
    assert.ok((await workers.order(0, "epoch-self")).log);
    assert.deepEqual(bytesAt(fixture, A, 9, 7), [1, 2, 2, 4, 4, 4, 4]);
  });

  test("leaves all of an epoch or nothing, whenever the power is lost", async () => {
    const outcomes = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = new SimRandom(seed);
      const memory = new SimMemory();
      const made = await former({ found: { memory, drive: new PowerLossDrive(memory) } });
      for (const inode of [A, B]) made.drive.sync(descriptorOf(made, `${inode}.0`));
      leaveLog(made, 0, [committedAlone(1, writeOf(A, 0, 2, 8192), writeOf(B, 512, 2, 8192))]);
      const { fixture } = next(made, { holdSyncs: true });
      for (let round = random.between(0, 4); round > 0; round -= 1) {
        await fixture.step();
        if (random.chance(0.7)) fixture.syncer.doWork();
      }
      const kept = (fixture.drive as PowerLossDrive).losePower(random);
      const { fixture: again } = next({ ...kept, logs: kept.drive });
      await again.registered();
      const fills = new Set([...bytesAt(again, A, 0, 8192), ...bytesAt(again, B, 512, 8192)]);
      assert.equal(fills.size, 1, `seed ${seed}: all or nothing`);
      for (const fill of fills) outcomes.add(fill);
    }
    assert.deepEqual(outcomes, new Set([1, 2]), "the log was lost, or was there");
  });

  test("a log that contradicts itself keeps the target from serving, and nothing is written", async () => {
    const wrong = { kind: RECORD_KIND.FINISHED, epoch: nameOf(9), ends: 0, committed: true } as const;
    const write = writeOf(A, 0, 2);
    const version = (log: Uint8Array): void => {
      log[8] = 9;
      log[2048 + 8] = 9;
    };
    const cases: readonly [ErrorCode, RegExp, CommitRecord[], (log: Uint8Array) => void][] = [
      ["ERR_CORRUPT", /header are damaged/, [committedAlone(1, write)], (log) => log.fill(0xee, 0, 4096)],
      ["ERR_CORRUPT", /another epoch/, [preparedFor(1, A, write), wrong, committedAlone(2, write)], () => {}],
      ["ERR_VERSION", /epochs\.0 of target-7 .*Use the version/, [committedAlone(1, write)], version],
    ];
    for (const [code, message, records, damage] of cases) {
      const left = await former();
      damage(leaveLog(left, 0, records));
      const { fixture, workers } = next(left);
      await doesNotServe(fixture, code, message);
      if (code === "ERR_CORRUPT") {
        await doesNotServe(fixture, code, /the file epochs\.0 in the folder of target-7.*move it away/);
      }
      assert.deepEqual([workers.types(0), workers.types(1)], [[], []]);
      assert.deepEqual(bytesAt(fixture, A, 0, 1), [1]);
      assert.deepEqual(fixture.drive.synced, []);
    }
  });

  test("a sync that fails keeps the target from serving", async () => {
    const left = await former();
    leaveLog(left, 0, [committedAlone(1, writeOf(A, 0, 2))]);
    left.drive.failSyncs = true;
    const ofLog = next(left);
    await doesNotServe(ofLog.fixture, "ERR_IO", /log epochs\.0 of target-7 could not be made durable/);
    assert.deepEqual(bytesAt(ofLog.fixture, A, 0, 1), [1], "nothing is put there before the log is durable");
    left.drive.failSyncs = false;
    const ofRegion = next(left, { holdSyncs: true });
    await ofRegion.fixture.steps(2);
    ofRegion.fixture.syncer.doWork();
    left.drive.failSyncs = true;
    ofRegion.fixture.holdSyncs = false;
    await doesNotServe(ofRegion.fixture, "ERR_IO", new RegExp(`region ${A}\\.0 could not be made durable`));
    assert.deepEqual(ofRegion.workers.types(0), []);
  });

  test("one region that cannot be used keeps nobody from the others", async () => {
    const left = await former();
    leaveLog(left, 0, [committedAlone(1, writeOf(A, 0, 2), writeOf(B, 0, 3)), preparedFor(2, A)]);
    const descriptor = descriptorOf(left, `${A}.0`);
    left.memory.map(descriptor, 0, REGION_HEADER_BYTES, true).u8.fill(0xee);
    const { fixture, workers } = next(left);
    await fixture.registered();
    assert.deepEqual((await workers.order(0, "epoch-self")).regions, []);
    assert.deepEqual(bytesAt(fixture, B, 0, 1), [3]);
    assert.ok(fixture.log.complaints.some(({ fields }) => fields.code === "ERR_CORRUPT"));
  });

  test("many regions take few descriptors at a time", async () => {
    const left = await former();
    const inodes = Array.from({ length: 150 }, (_, i) => i + 1000).filter(
      (inode) => homeWorker(inode, 0, 1) === 0,
    );
    for (const inode of inodes) await left.createRegion(inode, 0, 100);
    leaveLog(left, 0, [committedAlone(1, ...inodes.map((inode) => writeOf(inode, 3, 9)))]);
    let openMost = 0;
    const { fixture } = next(left, { workers: 1, holdSyncs: true });
    while (!fixture.control.registered) {
      await fixture.step();
      openMost = Math.max(openMost, fixture.drive.openCount);
      fixture.syncer.doWork();
    }
    assert.ok(openMost <= 65, `${openMost}`);
    for (const inode of inodes) assert.deepEqual(bytesAt(fixture, inode, 2, 3), [0, 9, 9]);
  });
});

describe("recovering epochs where regions lie in memory", () => {
  test("writes nothing and syncs nothing, but the workers have their logs", async () => {
    const left = await former({ drive: "memory" });
    const { logs } = left;
    leaveLog(left, 0, [committedAlone(1, writeOf(A, 0, 2)), preparedFor(2, A, writeOf(A, 9, 2)), decided(3)]);
    logs.synced.length = 0;
    const { fixture, workers } = next({
      memory: left.memory,
      drive: new SimDrive(left.memory, "memory"),
      logs,
    });
    await fixture.registered();
    const { log, regions } = await workers.order(0, "epoch-self");
    assert.equal(log?.durable, false);
    assert.deepEqual(regions, []);
    assert.deepEqual([fixture.drive.synced, logs.synced, fixture.drive.names()], [[], [], []]);
  });
});

describe("another number of workers", () => {
  /** Among four workers at the last one, which three do not have. */
  const [LAST = 0] = Array.from({ length: 60 }, (_, i) => i + 50).filter(
    (inode) => homeWorker(inode, 0, 4) === 3,
  );

  async function leftBy(records: readonly CommitRecord[], worker = 3) {
    const left = await former({ workers: 4 });
    await left.createRegion(LAST, 0, BYTES);
    left.dataOf(LAST, 0).u8.fill(1);
    leaveLog(left, worker, records);
    return left;
  }

  test("is refused while an epoch is in doubt, or somebody may ask what was decided, and the message names the right one", async () => {
    for (const records of [[preparedFor(1, LAST, writeOf(LAST, 0, 2))], [decided(1)]]) {
      const left = await leftBy([...records, committedAlone(2, writeOf(LAST, 0, 2))]);
      const { fixture } = next(left, { workers: 3 });
      await doesNotServe(fixture, "ERR_INVALID_ARGUMENT", /with 3 data-plane workers.*Start it with 4 /);
      assert.deepEqual(bytesAt(fixture, LAST, 0, 1), [1], "nothing is done by halves");
      const { fixture: right, workers } = next(left, { workers: 4 });
      await right.registered();
      assert.ok((await workers.order(3, "epoch-self")).log);
      assert.deepEqual(bytesAt(right, LAST, 0, 1), [2]);
    }
  });

  test("is refused where a region in doubt would have another home", async () => {
    const [inode = 0] = at(0).filter((candidate) => homeWorker(candidate, 0, 3) !== 0);
    const left = await former();
    leaveLog(left, 0, [preparedFor(1, inode)]);
    const { fixture } = next(left, { workers: 3 });
    await doesNotServe(fixture, "ERR_INVALID_ARGUMENT", /Start it with 2 /);
    await next(left, { workers: 2 }).fixture.registered();
  });

  test("is none of the others' business: what was committed is put, and the log goes, durably, before the target serves", async () => {
    const [more = 0] = [5, 6, 7, 8].filter((count) => homeWorker(LAST, 0, count) !== 3);
    for (const workerCount of [3, more]) {
      const left = await leftBy([committedAlone(1, writeOf(LAST, 0, 2))]);
      const { fixture, workers } = next(left, { workers: workerCount, holdSyncs: true });
      while (!fixture.drive.synced.includes("names")) {
        assert.equal(fixture.control.registered, false);
        await fixture.step();
        fixture.syncer.doWork();
      }
      assert.deepEqual(fixture.drive.synced, [
        fixture.drive.synced[0],
        descriptorOf(fixture, `${LAST}.0`),
        "names",
      ]);
      fixture.holdSyncs = false;
      await fixture.registered();
      assert.deepEqual(bytesAt(fixture, LAST, 0, 1), [2]);
      assert.ok(!fixture.drive.names().includes("epochs.3"));
      for (let worker = 0; worker < workerCount; worker += 1) {
        assert.equal((await workers.order(worker, "epoch-self")).log, undefined);
      }
    }
  });
});
