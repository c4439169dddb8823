import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type DidafsWindow, isDidafsError } from "../../src/index.ts";

/** Opens a window for reading and writing on a new file of `size` zero bytes; a second one on the same file with `again`. */
export interface ContractSubject {
  open(size: number): Promise<{ window: DidafsWindow; again: (rights: "r" | "rw") => Promise<DidafsWindow> }>;
}

export const isCode =
  (code: Parameters<typeof isDidafsError>[1]) =>
  (error: unknown): boolean =>
    isDidafsError(error, code as never);

/** Bytes that no power of two repeats, so that what lands at the wrong place shows. */
export function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8) + (i >> 16) * 5) & 0xff);
}

/** What every way of reaching bytes must do alike. */
export function accessContract(name: string, subject: () => ContractSubject): void {
  describe(`access contract: ${name}`, () => {
    it("reads zeros where nothing was written", async () => {
      const { window } = await subject().open(10_000);
      assert.deepEqual(window.getSync(0, new Uint8Array(10_000)), new Uint8Array(10_000));
      assert.equal(window.loadSync(9992), 0);
      await window.close();
    });

    it("gets back what was put, in both forms and any length", async () => {
      const { window } = await subject().open(3 << 20);
      let at = 0;
      for (const length of [0, 1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 4095, 4096, 65_537, (1 << 20) + 5]) {
        const bytes = pattern(length, length);
        window.putSync(at, bytes);
        const got = await window.get(at, new Uint8Array(length));
        assert.ok(Buffer.from(bytes).equals(got), `put sync, get, ${length} bytes`);
        const other = pattern(length, length + 1);
        await window.put(at, other);
        const gotSync = window.getSync(at, new Uint8Array(length));
        assert.ok(Buffer.from(other).equals(gotSync), `put, get sync, ${length} bytes`);
        at += length;
      }
      await window.close();
    });

    it("writes nothing beside what was put", async () => {
      const { window } = await subject().open(4096);
      window.putSync(0, new Uint8Array(4096).fill(0xee));
      for (const [at, length] of [
        [1, 1],
        [10, 2],
        [21, 4],
        [33, 8],
        [48, 8],
        [101, 100],
      ] as const) {
        window.putSync(at, new Uint8Array(length).fill(0x11));
        const all = window.getSync(0, new Uint8Array(4096));
        assert.deepEqual(all.subarray(at, at + length), new Uint8Array(length).fill(0x11));
        assert.equal(all[at - 1], 0xee);
        assert.equal(all[at + length], 0xee);
        window.putSync(at, new Uint8Array(length).fill(0xee));
      }
      await window.close();
    });

    it("agrees with a plain array about any sequence of accesses", async () => {
      const size = 5000;
      const { window } = await subject().open(size);
      const model = new Uint8Array(size);
      const view = new DataView(model.buffer);
      const range = fc
        .tuple(fc.nat(size), fc.nat(300))
        .map(([at, n]) => [at, Math.min(n, size - at)] as const);
      const wordAt = fc.nat(size / 8 - 1).map((i) => i * 8);
      const access = fc.oneof(
        fc.record({ kind: fc.constant("put" as const), range, seed: fc.nat(255), sync: fc.boolean() }),
        fc.record({ kind: fc.constant("get" as const), range, sync: fc.boolean() }),
        fc.record({
          kind: fc.constant("add" as const),
          at: wordAt,
          by: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
          sync: fc.boolean(),
        }),
        fc.record({
          kind: fc.constant("swap" as const),
          at: wordAt,
          to: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
          sync: fc.boolean(),
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(access, { maxLength: 30 }), async (accesses) => {
          for (const a of accesses) {
            if (a.kind === "put") {
              const [at, length] = a.range;
              const bytes = pattern(length, a.seed);
              model.set(bytes, at);
              if (a.sync) window.putSync(at, bytes);
              else await window.put(at, bytes);
            } else if (a.kind === "get") {
              const [at, length] = a.range;
              const into = new Uint8Array(length);
              if (a.sync) window.getSync(at, into);
              else await window.get(at, into);
              assert.deepEqual(into, model.slice(at, at + length));
            } else if (a.kind === "add") {
              const before = view.getBigInt64(a.at, true);
              view.setBigInt64(a.at, before + a.by, true);
              const seen = a.sync ? window.fetchAddSync(a.at, a.by) : await window.fetchAdd(a.at, a.by);
              assert.equal(seen, before);
            } else {
              const before = view.getBigInt64(a.at, true);
              view.setBigInt64(a.at, a.to, true);
              const seen = a.sync
                ? window.compareAndSwapSync(a.at, before, a.to)
                : await window.compareAndSwap(a.at, before, a.to);
              assert.equal(seen, before);
            }
          }
        }),
        { numRuns: 30 },
      );
      assert.deepEqual(window.getSync(0, new Uint8Array(size)), model);
      await window.close();
    });

    it("knows all operators and word types, in both forms", async () => {
      const { window } = await subject().open(4096);
      const cases = [
        ["i64", 6, 3, { add: 9, min: 3, max: 6, and: 2, or: 7, xor: 5, replace: 3 }],
        ["u64", 6, 3, { add: 9, min: 3, max: 6, and: 2, or: 7, xor: 5, replace: 3 }],
        ["i32", -6, 3, { add: -3, min: -6, max: 3, and: -6 & 3, or: -6 | 3, xor: -6 ^ 3, replace: 3 }],
        ["u32", 6, 3, { add: 9, min: 3, max: 6, and: 2, or: 7, xor: 5, replace: 3 }],
        ["f64", 1.5, -2.25, { add: -0.75, min: -2.25, max: 1.5, replace: -2.25 }],
      ] as const;
      let at = 8;
      for (const [word, start, operand, results] of cases) {
        for (const [op, result] of Object.entries(results) as ["add", number][]) {
          window.storeSync(at, start, word);
          assert.equal(
            window.fetchOpSync(op, at, operand, word),
            start,
            `${op} ${word} gives the value before`,
          );
          assert.equal(window.loadSync(at, word), result, `${op} ${word}`);
          await window.store(at, start, word);
          assert.equal(await window.fetchOp(op, at, operand, word), start);
          assert.equal(await window.load(at, word), result);
        }
        at += 16;
      }
      await window.close();
    });

    it("swaps only what is expected, and says what was there", async () => {
      const { window } = await subject().open(64);
      window.storeSync(8, 5);
      assert.equal(window.compareAndSwapSync(8, 4, 9), 5);
      assert.equal(window.loadSync(8), 5);
      assert.equal(await window.compareAndSwap(8, 5, 9), 5);
      assert.equal(window.loadSync(8), 9);
      assert.equal(window.compareAndSwapSync(16, 0, -1, "i32"), 0);
      assert.equal(window.loadSync(16, "i32"), -1);
      assert.equal(window.loadSync(16, "u32"), 0xffffffff);
      await window.close();
    });

    it("acts on the same word with numbers and bigints, and refuses unsafe results with the exact value", async () => {
      const { window } = await subject().open(64);
      assert.equal(window.fetchAddSync(0, 2n ** 60n), 0n);
      assert.equal(window.loadBigSync(0), 2n ** 60n);
      const isUnsafe = (error: unknown): boolean =>
        isDidafsError(error, "ERR_UNSAFE_INTEGER") && error.applied === "yes" && error.value === 2n ** 60n;
      assert.throws(() => window.fetchAddSync(0, 1), isUnsafe);
      await assert.rejects(
        window.fetchAdd(0, -1),
        (e) => isDidafsError(e, "ERR_UNSAFE_INTEGER") && e.value === 2n ** 60n + 1n,
      );
      assert.equal(window.loadBigSync(0), 2n ** 60n, "both were applied");
      window.storeSync(8, -1);
      assert.equal(window.loadBigSync(8, "u64"), 2n ** 64n - 1n);
      await window.close();
    });

    it("accumulates whole arrays, element by element", async () => {
      const { window } = await subject().open(1 << 21);
      const ones = new BigInt64Array(200_000).fill(1n);
      await window.accumulate("add", 8, ones);
      await window.accumulate("add", 8, ones);
      assert.equal(window.loadSync(0), 0);
      assert.equal(window.loadSync(8), 2);
      assert.equal(window.loadSync(8 * 200_000), 2);
      assert.equal(window.loadSync(8 * 200_001), 0);
      await window.accumulate("max", 0, Float64Array.of(1.5));
      assert.equal(window.loadSync(0, "f64"), 1.5);
      await window.accumulate("replace", 16, Uint32Array.of(7, 8, 9));
      assert.deepEqual(window.getSync(16, new Uint32Array(3)), Uint32Array.of(7, 8, 9));
      await window.close();
    });

    it("takes any view as buffer, and leaves the bytes around it alone", async () => {
      const { window } = await subject().open(4096);
      const backing = new ArrayBuffer(300);
      window.putSync(0, pattern(4096, 3));
      await window.get(50, new DataView(backing, 100, 100));
      assert.deepEqual(new Uint8Array(backing, 100, 100), pattern(4096, 3).subarray(50, 150));
      assert.ok(new Uint8Array(backing, 0, 100).every((b) => b === 0));
      assert.ok(new Uint8Array(backing, 200).every((b) => b === 0));
      await window.put(1000, Float64Array.of(Math.PI));
      assert.equal(window.loadSync(1000, "f64"), Math.PI);
      await window.close();
    });

    it("keeps the order of issue within one window, also unawaited", async () => {
      const { window } = await subject().open(1 << 20);
      const running: Promise<unknown>[] = [];
      const seen: number[] = [];
      for (let i = 1; i <= 200; i++) {
        running.push(window.put(0, pattern(1000, i)));
        const into = new Uint8Array(1000);
        running.push(window.get(0, into).then(() => seen.push(Buffer.compare(into, pattern(1000, i)))));
        running.push(
          window.store(2048, i),
          window.load(2048).then((value) => seen.push(value - i)),
        );
      }
      await Promise.all(running);
      assert.deepEqual(seen, new Array(400).fill(0));
      await window.close();
    });

    it("shows others what was acknowledged", async () => {
      const { window, again } = await subject().open(8192);
      const other = await again("r");
      await window.put(100, pattern(5000, 9));
      assert.deepEqual(other.getSync(100, new Uint8Array(5000)), pattern(5000, 9));
      window.storeSync(8, 77);
      assert.equal(await other.load(8), 77);
      await Promise.all([window.close(), other.close()]);
    });

    it("refuses what lies outside, what is misaligned, and writes without the right", async () => {
      const { window, again } = await subject().open(4096);
      assert.throws(() => window.getSync(4090, new Uint8Array(8)), isCode("ERR_RANGE"));
      assert.throws(() => window.putSync(-1, new Uint8Array(1)), isCode("ERR_RANGE"));
      assert.throws(() => window.loadSync(4096), isCode("ERR_RANGE"));
      assert.throws(() => window.loadSync(Number.NaN), isCode("ERR_RANGE"));
      assert.throws(() => window.loadSync(8.5), isCode("ERR_ALIGNMENT"));
      assert.throws(() => window.getSync(0.5, new Uint8Array(1)), isCode("ERR_RANGE"));
      await assert.rejects(window.put(4096, new Uint8Array(1)), isCode("ERR_RANGE"));
      await assert.rejects(window.get(Number.MAX_SAFE_INTEGER, new Uint8Array(1)), isCode("ERR_RANGE"));
      assert.throws(() => window.fetchAddSync(4, 1), isCode("ERR_ALIGNMENT"));
      assert.throws(() => window.storeSync(2, 1, "i32"), isCode("ERR_ALIGNMENT"));
      await assert.rejects(window.accumulate("add", 4, BigInt64Array.of(1n)), isCode("ERR_ALIGNMENT"));
      assert.throws(() => window.storeSync(0, 2 ** 60), isCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => window.fetchOpSync("mul" as never, 0, 1), isCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => window.loadSync(0, "i16" as never), isCode("ERR_INVALID_ARGUMENT"));
      const reader = await again("r");
      assert.throws(() => reader.putSync(0, new Uint8Array(1)), isCode("ERR_RIGHTS"));
      assert.throws(() => reader.fetchAddSync(0, 1), isCode("ERR_RIGHTS"));
      await assert.rejects(reader.store(0, 1), isCode("ERR_RIGHTS"));
      assert.equal(reader.loadSync(0), 0);
      await Promise.all([window.close(), reader.close()]);
    });

    it("flushes to memory and to the drive", async () => {
      const { window } = await subject().open(4096);
      window.putSync(0, pattern(100, 1));
      await window.flush();
      await window.flush("stable");
      window.storeSync(8, 1);
      window.flushSync("stable");
      window.flushSync("memory");
      await assert.rejects(window.flush("forever" as never), isCode("ERR_INVALID_ARGUMENT"));
      await window.close();
    });

    it("ends calls by signal and deadline, and throws after close", async () => {
      const { window } = await subject().open(4096);
      const signal = AbortSignal.abort();
      await assert.rejects(window.get(0, new Uint8Array(8), { signal }), isCode("ERR_ABORTED"));
      await assert.rejects(
        window.put(0, new Uint8Array(8), { timeoutMs: 0 }),
        isCode("ERR_INVALID_ARGUMENT"),
      );
      await window.close();
      await window.close();
      assert.throws(() => window.getSync(0, new Uint8Array(8)), isCode("ERR_CLOSED"));
      assert.throws(() => window.putSync(0, new Uint8Array(8)), isCode("ERR_CLOSED"));
      assert.throws(() => window.loadSync(0), isCode("ERR_CLOSED"));
      assert.throws(() => window.fetchAddSync(0, 1), isCode("ERR_CLOSED"));
      await assert.rejects(window.get(0, new Uint8Array(100)), isCode("ERR_CLOSED"));
      await assert.rejects(window.put(0, new Uint8Array(100)), isCode("ERR_CLOSED"));
      await assert.rejects(window.load(0), isCode("ERR_CLOSED"));
      await assert.rejects(window.flush(), isCode("ERR_CLOSED"));
    });

    it("refuses from the call of close on, and ends what was issued before", async () => {
      const { window, again } = await subject().open(4096);
      const batch = window.batch().put(0, pattern(100, 1));
      const issued = window.put(1000, pattern(100, 2));
      const closing = window.close();
      assert.throws(() => window.getSync(0, new Uint8Array(0)), isCode("ERR_CLOSED"));
      assert.throws(() => window.putSync(0, new Uint8Array(8)), isCode("ERR_CLOSED"));
      assert.throws(() => window.storeSync(0, 1), isCode("ERR_CLOSED"));
      assert.throws(() => window.view(0, 8), isCode("ERR_CLOSED"));
      assert.throws(() => window.flushSync(), isCode("ERR_CLOSED"));
      assert.throws(() => batch.runSync(), isCode("ERR_CLOSED"));
      await assert.rejects(window.flush(), isCode("ERR_CLOSED"));
      await assert.rejects(window.accumulate("add", 0, new Int32Array(4)), isCode("ERR_CLOSED"));
      await assert.rejects(window.lock({ at: 0, length: 8, mode: "exclusive" }), isCode("ERR_CLOSED"));
      await Promise.all([issued, closing]);
      const other = await again("r");
      assert.deepEqual(other.getSync(0, new Uint8Array(100)), new Uint8Array(100));
      assert.deepEqual(other.getSync(1000, new Uint8Array(100)), pattern(100, 2));
      await other.close();
    });
  });
}
