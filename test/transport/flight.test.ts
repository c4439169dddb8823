import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isDidafsError, statusOf } from "../../src/std/errors.ts";
import { Flight } from "../../src/transport/flight.ts";
import { HEADER_BYTES, OPCODE } from "../../src/wire/header.ts";
import { OriginFixture } from "./origin-fixture.ts";
import { ScriptedTarget } from "./scripted-target.ts";

const LIMITS = { timeoutMs: 1000, signal: undefined };
const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

function put(flight: Flight, { access }: Pick<ScriptedTarget, "access">, at: number, from: Uint8Array): void {
  flight.add(access, OPCODE.PUT, at, from.byteLength, from, 0);
}

function get(flight: Flight, { access }: Pick<ScriptedTarget, "access">, at: number, into: Uint8Array): void {
  flight.add(access, OPCODE.GET, at, into.byteLength, into, 0);
}

describe("a flight over the data plane", () => {
  it("agrees with an array, over two connections, however the network splits the bytes", async () => {
    const size = 6000;
    const entry = fc.record({
      put: fc.boolean(),
      second: fc.boolean(),
      at: fc.nat(3000),
      length: fc.oneof(fc.nat(16), fc.integer({ min: 9, max: 3000 })),
      seed: fc.nat(255),
    });
    const runs = fc.array(fc.record({ sync: fc.boolean(), entries: fc.array(entry, { maxLength: 40 }) }), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer(), runs, async (seed, all) => {
        const origins = [0, 1].map(
          (i) => new OriginFixture(size, 1000, { seed: seed + i, bufferBytes: 1000 }),
        );
        const [first, second] = origins as [OriginFixture, OriginFixture];
        const models = [new Uint8Array(size), new Uint8Array(size)];
        const flight = new Flight();
        for (const { sync, entries } of all) {
          const checks: (() => void)[] = [];
          for (const { second: isSecond, ...entry } of entries) {
            const { at, length } = entry;
            const model = models[isSecond ? 1 : 0] as Uint8Array;
            const buffer = entry.put ? bytes(length, entry.seed) : new Uint8Array(length);
            if (entry.put) put(flight, isSecond ? second : first, at, buffer);
            else get(flight, isSecond ? second : first, at, buffer);
            if (entry.put) model.set(buffer, at);
            const expected = model.slice(at, at + length);
            checks.push(() => assert.deepEqual(buffer, expected));
          }
          flight.begin();
          const landed = sync ? undefined : flight.links[0]?.pump.land(flight, LIMITS);
          stepBoth(flight, first, second);
          await landed;
          assert.equal(flight.failure(), undefined);
          flight.clear();
          for (const check of checks) check();
        }
        for (const [i, { region, access }] of origins.entries()) {
          assert.deepEqual(region.slice(0, size), models[i]);
          assert.deepEqual([access.binding.pending, access.binding.pendingWrites], [0, 0]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("fails with the first refusal, and does what is behind it", async () => {
    const origin = new OriginFixture(4096, 1000);
    const flight = new Flight();
    const into = new Uint8Array(16);
    get(flight, origin, 4090, new Uint8Array(16));
    put(flight, origin, 0, bytes(16, 3));
    get(flight, origin, 0, into);
    flight.begin();
    await origin.settle(origin.access.link.pump.land(flight, LIMITS));
    const failure = flight.failure();
    assert.equal(failure?.code, "ERR_RANGE");
    assert.equal(failure?.applied, "unknown", "a put was applied");
    assert.deepEqual(into, bytes(16, 3));
  });

  it("says that nothing was applied where gets alone were refused or done", async () => {
    const origin = new OriginFixture(4096, 1000);
    const flight = new Flight();
    get(flight, origin, 4090, new Uint8Array(16));
    get(flight, origin, 0, new Uint8Array(16));
    flight.begin();
    await origin.settle(origin.access.link.pump.land(flight, LIMITS));
    assert.equal(flight.failure()?.applied, "no");
  });

  it("settles when the connection ends, before and while it is under way", async () => {
    const origin = new OriginFixture(4096, 1000);
    origin.workerPaused = true;
    const flight = new Flight();
    for (let i = 0; i < 1000; i += 1) put(flight, origin, 0, bytes(100, i));
    flight.begin();
    const landed = origin.access.link.pump.land(flight, LIMITS);
    origin.session.lose();
    origin.connection.end();
    await landed;
    assert.deepEqual([flight.failure()?.code, flight.failure()?.applied], ["ERR_SESSION_LOST", "unknown"]);
    flight.clear();
    put(flight, origin, 0, bytes(100, 1));
    flight.begin();
    assert.equal(flight.settled, true);
    await origin.access.link.pump.land(flight, LIMITS);
    assert.deepEqual([flight.failure()?.code, flight.failure()?.applied], ["ERR_SESSION_LOST", "no"]);
    assert.equal(origin.access.binding.pending, 0);
  });
});

/** The workers of both step while this thread waits. */
function stepBoth(flight: Flight, first: OriginFixture, second: OriginFixture): void {
  for (let round = 0; round < 100_000 && !flight.settled; round += 1) {
    for (const { connection, worker } of [first, second]) {
      connection.poll();
      worker.step();
    }
  }
  assert.ok(flight.settled);
}

describe("a flight to a target that misbehaves", () => {
  it("that does not answer ends at its deadline, touches no buffer later, and counts until the answers came", async () => {
    const target = new ScriptedTarget(10);
    const flight = new Flight();
    const into = new Uint8Array(100);
    get(flight, target, 0, into);
    put(flight, target, 0, new Uint8Array(100));
    flight.begin();
    const timedOut = assert.rejects(
      target.access.link.pump.land(flight, { timeoutMs: 5, signal: undefined }),
      (error) => isDidafsError(error, "ERR_TIMEOUT") && error.applied === "unknown",
    );
    await target.turn(200);
    await timedOut;
    assert.deepEqual([target.access.binding.pending, target.access.binding.pendingWrites], [2, 1]);
    target.answer(target.command(0), 0, bytes(100, 1));
    target.answer(target.command(HEADER_BYTES), 0);
    target.connection.poll();
    assert.deepEqual([target.access.binding.pending, target.access.binding.pendingWrites], [0, 0]);
    assert.deepEqual(into, new Uint8Array(100));
  });

  it("ends in the Sync form too", () => {
    const target = new ScriptedTarget(10);
    const flight = new Flight();
    get(flight, target, 0, new Uint8Array(100));
    flight.begin();
    assert.equal(flight.waitSync(10), false);
    assert.equal(flight.abandon(), true, "gets change nothing");
  });

  it("is aborted by its signal: what was not sent is not applied", async () => {
    const target = new ScriptedTarget(10);
    target.room = 0;
    const flight = new Flight();
    // More than there are slots for, so that the last ones are not issued.
    for (let i = 0; i < 800; i += 1) get(flight, target, 0, new Uint8Array(100));
    put(flight, target, 0, new Uint8Array(100));
    const controller = new AbortController();
    flight.begin();
    const aborted = assert.rejects(
      target.access.link.pump.land(flight, { timeoutMs: 1000, signal: controller.signal }),
      (error) => isDidafsError(error, "ERR_ABORTED") && error.applied === "no",
    );
    controller.abort();
    await aborted;
    assert.equal(target.access.binding.pendingWrites, 0);
  });

  it("refuses one of many puts: what was applied is not known", async () => {
    const target = new ScriptedTarget(100);
    const flight = new Flight();
    for (let i = 0; i < 3; i += 1) put(flight, target, 0, new Uint8Array(8));
    flight.begin();
    const landed = target.access.link.pump.land(flight, LIMITS);
    target.answer(target.command(0), 0);
    target.answer(target.command(HEADER_BYTES), statusOf("ERR_RIGHTS"));
    target.answer(target.command(2 * HEADER_BYTES), statusOf("ERR_RIGHTS"));
    await target.turn(5);
    await landed;
    assert.deepEqual([flight.failure()?.code, flight.failure()?.applied], ["ERR_RIGHTS", "unknown"]);
  });

  it("answers before it was asked: the session ends, and no bytes leave that were not meant to", async () => {
    const target = new ScriptedTarget(100);
    target.room = HEADER_BYTES + 10;
    const from = bytes(100, 1);
    const lost = assert.rejects(target.access.put(0, from, LIMITS), (error) =>
      isDidafsError(error, "ERR_SESSION_LOST"),
    );
    target.answer(target.command(0), 0);
    await target.turn(5);
    await lost;
    assert.equal(target.connection.ended, true);
    assert.equal(target.receivedBytes, HEADER_BYTES + 10);
  });
});
