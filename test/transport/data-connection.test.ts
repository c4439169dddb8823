import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import { OriginFixture } from "./origin-fixture.ts";

const LIMITS = { timeoutMs: 1000, signal: undefined };
const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

describe("data connection against the data plane, one thread", () => {
  it("agrees with an array however the network splits the bytes", async () => {
    const size = 6000;
    const range = fc
      .tuple(fc.nat(size), fc.oneof(fc.nat(16), fc.nat(3000)))
      .map(([at, length]) => [at, Math.min(length, size - at)] as const);
    const access = fc.record({ put: fc.boolean(), sync: fc.boolean(), range, seed: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(access, { maxLength: 60 }), async (seed, accesses) => {
        const origin = new OriginFixture(size, 1000, { seed, bufferBytes: 1000 });
        const model = new Uint8Array(size);
        const running: Promise<void>[] = [];
        for (const { put, sync, range, seed: pattern } of accesses) {
          const [at, length] = range;
          const buffer = put ? bytes(length, pattern) : new Uint8Array(length);
          if (put) model.set(buffer, at);
          const expected = model.slice(at, at + length);
          const check = () => assert.deepEqual(buffer, expected);
          if (put && sync) origin.access.putSync(at, buffer);
          else if (put) running.push(origin.access.put(at, buffer, LIMITS));
          else if (!sync) running.push(origin.access.get(at, buffer, LIMITS).then(check));
          else {
            origin.access.getSync(at, buffer);
            check();
          }
        }
        await origin.settle(Promise.all(running));
        assert.deepEqual(origin.region.slice(0, size), model);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps thousands of accesses under way, more than it has slots", async () => {
    const origin = new OriginFixture(1 << 20, 1000, { seed: 1 });
    const puts = Array.from({ length: 3000 }, (_, i) => origin.access.put(i * 100, bytes(100, i), LIMITS));
    await origin.settle(Promise.all(puts));
    for (let i = 0; i < 3000; i += 1)
      assert.deepEqual(origin.region.slice(i * 100, i * 100 + 100), bytes(100, i));
  });

  it("cuts what is longer than a payload may be", async () => {
    const length = (3 << 20) + 13;
    const origin = new OriginFixture(length, 1000, { bufferBytes: 10_000 });
    await origin.settle(origin.access.put(0, bytes(length, 1), LIMITS));
    const into = new Uint8Array(length);
    await origin.settle(origin.access.get(0, into, LIMITS));
    assert.equal(Buffer.compare(into, bytes(length, 1)), 0);
    into.fill(0);
    origin.access.getSync(0, into);
    assert.equal(Buffer.compare(into, bytes(length, 1)), 0);
  });

  it("touches a buffer no more once its call has ended by deadline or signal", async () => {
    const origin = new OriginFixture(1 << 20, 50, { bufferBytes: 512 });
    origin.region.fill(0xaa);
    await origin.settle(origin.access.flush(true, LIMITS).catch(() => {}));
    origin.workerPaused = true;
    const late = new Uint8Array(5000);
    const source = bytes(100_000, 1);
    const controller = new AbortController();
    const get = origin.access.get(0, late, { timeoutMs: 5, signal: undefined });
    const put = origin.access.put(200_000, source, { timeoutMs: 1000, signal: controller.signal });
    await assert.rejects(
      origin.settle(get),
      (e) => isDidafsError(e, "ERR_TIMEOUT") && e.applied === "unknown",
    );
    controller.abort();
    await assert.rejects(origin.settle(put), (e) => isDidafsError(e, "ERR_ABORTED"));
    source.fill(0);
    assert.throws(
      () => origin.access.getSync(0, late),
      (e) => isDidafsError(e, "ERR_TIMEOUT"),
    );
    origin.workerPaused = false;
    const after = new Uint8Array(64);
    await origin.settle(origin.access.get(1000, after, LIMITS));
    assert.deepEqual(after, new Uint8Array(64).fill(0xaa), "the connection goes on");
    assert.deepEqual(late, new Uint8Array(5000), "the late answer went nowhere");
    const arrived = origin.region.slice(200_000, 300_000);
    const untouched = arrived.every((byte) => byte === 0xaa);
    assert.ok(
      untouched || Buffer.compare(arrived, bytes(100_000, 1)) === 0,
      "what left was the caller's bytes as they were",
    );
  });

  it("ends every access when the target goes away, and says that it may have been applied", async () => {
    const origin = new OriginFixture(4096, 1000, { seed: 4 });
    origin.access.putSync(0, bytes(100, 1));
    const running = [
      origin.access.get(0, new Uint8Array(100), LIMITS),
      origin.access.put(0, bytes(100, 2), LIMITS),
    ];
    origin.worker.plane.close();
    const lost = (e: unknown) => isDidafsError(e, "ERR_SESSION_LOST") && e.applied === "unknown";
    for (const promise of running) await assert.rejects(origin.settle(promise), lost);
    assert.throws(() => origin.access.loadSync(0, 0), lost);
    origin.session.lose();
    assert.throws(
      () => origin.access.loadSync(0, 0),
      (e) => isDidafsError(e, "ERR_SESSION_LOST") && e.applied === "no",
    );
  });
});
