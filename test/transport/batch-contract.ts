import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Batch, isDidafsError } from "../../src/index.ts";
import { type ContractSubject, isCode, pattern } from "./access-contract.ts";

const SIZE = 20_000;

/** Where it lies, and whether with others in one vector. */
const range = fc
  .tuple(fc.nat(SIZE), fc.oneof(fc.nat(20), fc.nat(6000)))
  .map(([at, length]) => [at, Math.min(length, SIZE - at)] as const);
const entry = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), ranges: fc.array(range, { minLength: 1, maxLength: 1 }) }),
  fc.record({
    kind: fc.constant("put" as const),
    ranges: fc.array(range, { minLength: 1, maxLength: 1 }),
    seed: fc.nat(255),
  }),
  fc.record({ kind: fc.constant("getVector" as const), ranges: fc.array(range, { maxLength: 6 }) }),
  fc.record({
    kind: fc.constant("putVector" as const),
    ranges: fc.array(range, { maxLength: 6 }),
    seed: fc.nat(255),
  }),
);

/** What a batch must do on every way of reaching bytes. */
export function batchContract(name: string, subject: () => ContractSubject): void {
  describe(`batch contract: ${name}`, () => {
    it("agrees with a plain array about any batches, in both forms", async () => {
      const { window } = await subject().open(SIZE);
      const batch = window.batch();
      const model = new Uint8Array(SIZE);
      const runs = fc.array(fc.record({ sync: fc.boolean(), entries: fc.array(entry, { maxLength: 20 }) }), {
        maxLength: 4,
      });
      await fc.assert(
        fc.asyncProperty(runs, async (all) => {
          for (const { sync, entries } of all) {
            const checks: [Uint8Array, Uint8Array][] = [];
            for (const { kind, ranges, ...more } of entries) {
              const total = ranges.reduce((sum, [, length]) => sum + length, 0);
              const bytes = "seed" in more ? pattern(total, more.seed) : new Uint8Array(total);
              const [at = 0] = ranges[0] ?? [];
              if (kind === "get") batch.get(at, bytes);
              else if (kind === "put") batch.put(at, bytes);
              else if (kind === "getVector") batch.getVector(ranges.flat(), bytes);
              else batch.putVector(Float64Array.from(ranges.flat()), bytes);
              let done = 0;
              const expected = new Uint8Array(total);
              for (const [from, length] of ranges) {
                const piece = bytes.subarray(done, done + length);
                if ("seed" in more) model.set(piece, from);
                else expected.set(model.subarray(from, from + length), done);
                done += length;
              }
              if (!("seed" in more)) checks.push([bytes, expected]);
            }
            if (sync) batch.runSync();
            else await batch.run();
            assert.equal(batch.count, 0);
            for (const [bytes, expected] of checks) assert.deepEqual(bytes, expected);
          }
        }),
        { numRuns: 30 },
      );
      assert.deepEqual(window.getSync(0, new Uint8Array(SIZE)), model);
      await window.close();
    });

    it("takes more accesses than fit on the way, short and very long", async () => {
      const { window } = await subject().open(5 << 20);
      const batch = window.batch();
      const long = pattern((3 << 20) + 77, 5);
      batch.put(1 << 20, long);
      for (let i = 0; i < 3000; i += 1) batch.put(i * 64, pattern(64, i));
      await batch.run();
      const into = Array.from({ length: 3000 }, () => new Uint8Array(64));
      const longInto = new Uint8Array(long.byteLength);
      for (let i = 0; i < 3000; i += 1) batch.get(i * 64, into[i] as Uint8Array);
      batch.get(1 << 20, longInto);
      batch.runSync();
      assert.deepEqual(longInto, long);
      for (let i = 0; i < 3000; i += 1) assert.deepEqual(into[i], pattern(64, i));
      await window.close();
    });

    it("leaves bytes beside the caller's alone", async () => {
      const { window } = await subject().open(4096);
      window.putSync(0, pattern(4096, 3));
      const backing = new Uint8Array(1000).fill(0xee);
      await window.batch().get(10, backing.subarray(100, 200)).get(5, backing.subarray(301, 304)).run();
      assert.deepEqual(backing.subarray(100, 200), pattern(4096, 3).subarray(10, 110));
      assert.deepEqual(backing.subarray(301, 304), pattern(4096, 3).subarray(5, 8));
      backing.fill(0xee, 100, 200).fill(0xee, 301, 304);
      assert.ok(backing.every((byte) => byte === 0xee));
      await window.close();
    });

    it("refuses what does not fit, and keeps what was added before", async () => {
      const { window, again } = await subject().open(4096);
      const batch = window.batch().put(0, pattern(16, 1));
      const room = new Uint8Array(16);
      assert.throws(() => batch.get(4090, room), isCode("ERR_RANGE"));
      assert.throws(() => batch.put(-1, room), isCode("ERR_RANGE"));
      assert.throws(() => batch.getVector([0, 8, 4090, 8], room), isCode("ERR_RANGE"));
      assert.throws(() => batch.getVector([0, 8], room), isCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => batch.getVector([0, 8, 8], room), isCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => batch.getVector([0, -8, 0, 24], room), isCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => batch.getVector([0, 7.5, 0, 8.5], room), isCode("ERR_INVALID_ARGUMENT"));
      const reader = await again("r");
      assert.throws(() => reader.batch().put(0, room), isCode("ERR_RIGHTS"));
      await batch.run();
      assert.deepEqual(window.getSync(0, room), pattern(16, 1));
      await Promise.all([window.close(), reader.close()]);
    });

    it("refuses a buffer that went since it was added, and goes on with others", async () => {
      const { window } = await subject().open(4096);
      for (const run of [(all: Batch) => all.run(), async (all: Batch) => all.runSync()]) {
        for (const opcode of ["get", "put"] as const) {
          const gone = new Uint8Array(100);
          const batch = window.batch().put(0, pattern(100, 1))[opcode](100, gone);
          gone.buffer.transfer();
          await assert.rejects(
            run(batch),
            (error) => isDidafsError(error, "ERR_INVALID_ARGUMENT") && error.applied === "unknown",
          );
          assert.equal(batch.count, 0);
          const into = new Uint8Array(100);
          await run(batch.get(0, into));
          assert.deepEqual(into, pattern(100, 1));
        }
      }
      await window.close();
    });

    it("runs empty, and ends with the window", async () => {
      const { window } = await subject().open(4096);
      const batch = window.batch();
      await batch.run();
      batch.runSync();
      batch.get(0, new Uint8Array(100));
      await window.close();
      await assert.rejects(batch.run(), isCode("ERR_CLOSED"));
      assert.throws(() => batch.get(0, new Uint8Array(100)).runSync(), isCode("ERR_CLOSED"));
    });

    it("does nothing when its signal has gone off before", async () => {
      const { window } = await subject().open(4096);
      const batch = window.batch().put(0, pattern(100, 1));
      await assert.rejects(
        batch.run({ signal: AbortSignal.abort() }),
        (error) => isDidafsError(error, "ERR_ABORTED") && error.applied === "no",
      );
      assert.deepEqual(window.getSync(0, new Uint8Array(100)), new Uint8Array(100));
      await window.close();
    });

    it("shows others what was acknowledged, and makes it stable", async () => {
      const { window, again } = await subject().open(40_000);
      const other = await again("r");
      const batch = window.batch();
      for (let i = 0; i < 100; i += 1) batch.put(i * 400, pattern(400, i));
      await batch.run();
      const into = new Uint8Array(400);
      for (let i = 0; i < 100; i += 1) {
        assert.deepEqual(await other.get(i * 400, into), pattern(400, i));
      }
      await window.flush("stable");
      await Promise.all([window.close(), other.close()]);
    });
  });
}
