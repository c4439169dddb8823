import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DriveSync } from "../../src/ports/drive.ts";
import { statusOf } from "../../src/std/errors.ts";
import { DriveSyncer } from "../../src/target/drive-syncer.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE } from "../../src/wire/ops.ts";
import { command, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 4096;
const REGIONS = 3;
const ERR_IO = statusOf("ERR_IO");

/** A worker with a few regions on a drive that keeps, as a medium does, what each region held when it was last synced. */
class DurableFixture extends WorkerFixture {
  readonly regions = Array.from({ length: REGIONS }, (_, i) => ({
    inode: i + 1,
    byteLength: BYTES,
    ...this.createRegion(i + 1, BYTES),
  }));
  readonly media = this.regions.map(() => new Uint8Array(BYTES));
  readonly client = this.enter(1, this.openSession(1));
  readonly spy: DriveSync = {
    startWriting: () => 0,
    awaitWriting: () => 0,
    sync: (descriptor) => {
      const i = this.regions.findIndex((region) => region.descriptor === descriptor);
      this.media[i]?.set(this.regions[i]?.bytes.subarray(0, BYTES) ?? []);
      return this.drive.sync(descriptor);
    },
    syncNames: () => this.drive.syncNames(),
    close: () => {},
  };

  constructor() {
    super();
    for (const [i, region] of this.regions.entries()) {
      assert.equal(this.bind(1, i + 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
    }
  }

  put(region: number, offset: number, value: number): Uint8Array {
    return command({ opcode: OPCODE.PUT, handle: region + 1, offset, length: 1, operand: BigInt(value) });
  }

  flush(region: number, tag: number): Uint8Array {
    return command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: region + 1, tag });
  }
}

interface Access {
  kind: "put" | "flush";
  region: number;
  offset: number;
}

type Step = Access | { kind: "sync" } | { kind: "worker" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom<"put" | "flush">("put", "flush"),
      region: fc.nat(REGIONS - 1),
      offset: fc.nat(15),
    }),
    fc.constantFrom<Step>({ kind: "sync" }, { kind: "worker" }),
  ),
  { minLength: 5, maxLength: 60 },
);

/**
 * The check: when a stable flush is acknowledged, the medium holds everything that was put before it.
 * @param syncWith what stands between the queue and the drive; the mutants below stand there too
 */
function checkAcknowledgedIsDurable(script: Step[], syncWith: (spy: DriveSync) => DriveSync): void {
  const fixture = new DurableFixture();
  const { syncer } = rewire(fixture, syncWith(fixture.spy));
  const models = fixture.regions.map(() => new Uint8Array(BYTES));
  const promised = new Map<number, { region: number; bytes: Uint8Array }>();
  let acknowledged = 0;
  const collect = (): void => {
    fixture.client.receive();
    for (let answer = fixture.client.tryAnswer(); answer !== undefined; answer = fixture.client.tryAnswer()) {
      assert.equal(answer.status, 0);
      if (answer.opcode !== OPCODE.FLUSH) continue;
      const { region, bytes } = promised.get(answer.tag) ?? { region: 0, bytes: new Uint8Array(0) };
      const medium = fixture.media[region] as Uint8Array;
      for (let i = 0; i < 16; i += 1) {
        assert.ok((medium[i] as number) >= (bytes[i] as number), "an acknowledged flush is on the medium");
      }
      acknowledged += 1;
    }
  };
  for (const [tag, step] of script.entries()) {
    if (step.kind === "sync") syncer.doWork();
    else if (step.kind === "worker") fixture.step();
    else if (step.kind === "put") {
      // Values only grow, so that a later sync is as good as the one that was asked for.
      (models[step.region] as Uint8Array)[step.offset] = tag + 1;
      fixture.client.send(fixture.put(step.region, step.offset, tag + 1));
    } else {
      promised.set(tag, { region: step.region, bytes: (models[step.region] as Uint8Array).slice() });
      fixture.client.send(fixture.flush(step.region, tag));
    }
    collect();
  }
  for (let i = 0; i < 20; i += 1) {
    fixture.step();
    syncer.doWork();
    collect();
  }
  assert.equal(acknowledged, promised.size, "every flush is answered");
}

/** The sync thread of a fixture, with another drive behind it. */
function rewire(fixture: DurableFixture, drive: DriveSync): { syncer: DriveSyncer } {
  return { syncer: new DriveSyncer(drive, fixture.syncWords, [fixture.poller]) };
}

test("an acknowledged stable flush was preceded by a sync of its region, whatever comes between", () => {
  fc.assert(
    fc.property(steps, (script) => checkAcknowledgedIsDurable(script, (spy) => spy)),
    { numRuns: 200 },
  );
});

test("the check bites: it fails where the sync is left out, and where another region is synced", () => {
  const mutants: Record<string, (spy: DriveSync) => DriveSync> = {
    "no sync": (spy) => ({ ...spy, sync: () => 0 }),
    "a sync of names only": (spy) => ({ ...spy, sync: () => spy.syncNames() }),
    "always the first region": (spy) => {
      let first: number | undefined;
      return {
        ...spy,
        sync: (descriptor) => {
          first ??= descriptor;
          return spy.sync(first);
        },
      };
    },
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    const outcome = fc.check(
      fc.property(steps, (script) => checkAcknowledgedIsDurable(script, mutant)),
      { numRuns: 200 },
    );
    assert.ok(outcome.failed, `${name} is found`);
    assert.match(String(outcome.errorInstance), /an acknowledged flush is on the medium/, name);
  }
});

test("flushes that come while a sync runs share the next one, and only that", () => {
  const fixture = new DurableFixture();
  const { client, syncer } = fixture;
  client.send(fixture.flush(0, 1));
  fixture.step(20);
  // The sync of flush 1 is submitted; what is put now may not be covered by it.
  for (let tag = 2; tag <= 5; tag += 1) {
    client.send(fixture.put(0, tag, tag));
    client.send(fixture.flush(0, tag));
  }
  fixture.step(20);
  syncer.doWork();
  fixture.step();
  client.receive();
  const tags = (): number[] => {
    const seen: number[] = [];
    for (let answer = client.tryAnswer(); answer !== undefined; answer = client.tryAnswer()) {
      if (answer.opcode === OPCODE.FLUSH) seen.push(answer.tag);
    }
    return seen;
  };
  assert.deepEqual(tags(), [1]);
  syncer.doWork();
  fixture.step();
  client.receive();
  assert.deepEqual(tags(), [2, 3, 4, 5]);
  assert.equal(fixture.drive.synced.length, 2);
  assert.equal(fixture.count("syncs"), 2);
});

test("other answers overtake a stable flush; its connection may end while it waits", () => {
  const fixture = new DurableFixture();
  fixture.client.send(fixture.flush(0, 1));
  const get = fixture.client.call({ opcode: OPCODE.GET, handle: 1, length: 8, tag: 2 });
  assert.equal(get.tag, 2);
  fixture.order({ type: "session-close", session: 1 });
  fixture.syncer.doWork();
  fixture.step(5);
  assert.equal(fixture.count("connections"), 0);
});

test("a failed sync fails the region for good: that flush, those that wait, and every later access", () => {
  const fixture = new DurableFixture();
  const { client, syncer, drive } = fixture;
  client.send(fixture.flush(0, 1));
  fixture.step(20);
  client.send(fixture.flush(0, 2));
  fixture.step();
  drive.failSyncs = true;
  syncer.doWork();
  drive.failSyncs = false;
  fixture.step();
  assert.deepEqual([client.answer().status, client.answer().status], [ERR_IO, ERR_IO]);
  assert.deepEqual(fixture.orders.poll(), { type: "region-failed", inode: 1, index: 0, errno: 5 });
  const synced = drive.synced.length;
  const payload = new Uint8Array(100);
  const accesses = [
    { opcode: OPCODE.GET, length: 8 },
    { opcode: OPCODE.GET, length: 100 },
    { opcode: OPCODE.PUT, length: 8 },
    { opcode: OPCODE.PUT, length: 100, payload },
    { opcode: OPCODE.FETCH_OP, length: 8 },
    { opcode: OPCODE.COMPARE_AND_SWAP, length: 8 },
    { opcode: OPCODE.ACCUMULATE, length: 96, payload: payload.subarray(4) },
    { opcode: OPCODE.FLUSH },
    { opcode: OPCODE.FLUSH, flags: FLUSH_STABLE },
  ];
  for (const access of accesses) assert.equal(client.call({ ...access, handle: 1 }).status, ERR_IO);
  syncer.doWork();
  assert.equal(drive.synced.length, synced, "the region is never synced again");
  client.send(fixture.flush(1, 9));
  fixture.step(20);
  syncer.doWork();
  fixture.step();
  assert.equal(client.answer().status, 0, "other regions go on");
});

test("a put whose payload was still arriving when the sync failed is not acknowledged as applied", () => {
  const fixture = new DurableFixture();
  const { client, syncer, drive } = fixture;
  const other = fixture.connect();
  other.send(command({ opcode: OPCODE.HELLO, operand: 1n, payload: new Uint8Array(32).fill(2) }));
  assert.equal(other.answer().status, 0);
  const payload = new Uint8Array(2000).fill(1);
  const put = command({ opcode: OPCODE.PUT, handle: 1, length: 2000, payload });
  other.send(put.subarray(0, 1000));
  client.send(fixture.flush(0, 1));
  fixture.step(20);
  drive.failSyncs = true;
  syncer.doWork();
  fixture.step();
  other.send(put.subarray(1000));
  assert.equal(other.answer().status, ERR_IO);
});

test("more regions than the queue has room for are synced all the same", () => {
  const fixture = new WorkerFixture();
  const client = fixture.enter(1, fixture.openSession(1));
  const count = 400;
  for (let i = 1; i <= count; i += 1) {
    const region = { inode: i, byteLength: 64, ...fixture.createRegion(i, 64) };
    fixture.bind(1, i, region, { at: 0, byteLength: 64 }, READ_WRITE);
  }
  // One connection may have so many flushes under way; more wait in the socket.
  const clients = [client, ...Array.from({ length: 7 }, () => fixture.enter(1, new Uint8Array(32).fill(2)))];
  for (let i = 1; i <= count; i += 1) {
    clients[i % 8]?.send(command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: i, tag: i }));
  }
  let answered = 0;
  for (let round = 0; round < 100 && answered < count; round += 1) {
    fixture.step(20);
    fixture.syncer.doWork();
    for (const each of clients) {
      each.receive();
      while (each.tryAnswer() !== undefined) answered += 1;
    }
  }
  assert.equal(answered, count);
  assert.equal(new Set(fixture.drive.synced).size, count);
});

test("a worker that is told to stop answers what it has accepted, and takes nothing more", () => {
  const fixture = new DurableFixture();
  const { syncer } = rewire(fixture, fixture.spy);
  const { client, orders, plane } = fixture;
  client.send(fixture.put(0, 3, 7));
  client.send(fixture.flush(0, 1));
  // A put of which the worker has taken the header and half the payload.
  const half = command({ opcode: OPCODE.PUT, handle: 2, length: 100, tag: 2, payload: new Uint8Array(100) });
  client.send(half.subarray(0, half.length - 50));
  fixture.step(10);
  orders.post({ type: "stop" });
  fixture.step(10);
  assert.equal(plane.stopped, false);
  client.send(half.subarray(half.length - 50));
  fixture.step(10);
  syncer.doWork();
  fixture.step(10);
  client.receive();
  const answers = [client.tryAnswer(), client.tryAnswer(), client.tryAnswer()];
  assert.deepEqual(answers.map((answer) => answer?.tag).sort(), [0, 1, 2]);
  assert.ok(answers.every((answer) => answer?.status === 0));
  assert.equal(fixture.media[0]?.[3], 7);
  assert.ok(client.ended && plane.stopped);
  assert.deepEqual(orders.poll(), { type: "stopped" });
});

test("a worker that is told to stop does not wait for ever for a peer or a drive", () => {
  const fixture = new DurableFixture();
  fixture.client.send(fixture.flush(0, 1));
  fixture.step(10);
  fixture.orders.post({ type: "stop" });
  fixture.step(10);
  assert.equal(fixture.plane.stopped, false);
  fixture.nowMs += 10_000;
  fixture.step();
  assert.equal(fixture.plane.stopped, true);
});
