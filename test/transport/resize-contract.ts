import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DidafsFile, isDidafsError } from "../../src/index.ts";

/** Gives the same new file of `size` zero bytes as two clients of one kind see it. */
export interface ResizeSubject {
  readonly sharing: "managed" | "raw";
  open(size: number): Promise<{ file: DidafsFile; other: DidafsFile }>;
}

const SIZE = 50_000;
const isRange = (error: unknown): boolean => isDidafsError(error, "ERR_RANGE");
const ones = (count: number): Uint8Array => new Uint8Array(count).fill(1);

/** What every way of reaching bytes must do alike while the file changes its size. */
export function resizeContract(name: string, subject: () => ResizeSubject): void {
  describe(`resize contract: ${name}`, () => {
    async function windows(size = SIZE) {
      const { sharing, open } = subject();
      const { file, other } = await open(size);
      const window = await file.window({ rights: "rw", sharing });
      const far = await other.window({ rights: "rw", sharing });
      window.putSync(0, ones(size));
      return { file, other, window, far, sharing };
    }

    it("refuses what is cut in every form of access, for those who have it open, and serves the rest", async () => {
      const { file, window, far } = await windows();
      await file.resize(30_001);
      for (const open of [window, far]) {
        assert.deepEqual(open.getSync(0, new Uint8Array(30_001)), ones(30_001));
        assert.equal(open.length, SIZE, "it keeps its range");
        const at = 30_008;
        assert.throws(() => open.getSync(29_999, new Uint8Array(3)), isRange);
        assert.throws(() => open.getSync(at, new Uint8Array(8)), isRange);
        assert.throws(() => open.putSync(at, new Uint8Array(1)), isRange);
        assert.throws(() => open.putSync(at, new Uint8Array(100)), isRange);
        assert.throws(() => open.loadSync(at), isRange);
        assert.throws(() => open.loadBigSync(at), isRange);
        assert.throws(() => open.loadSync(at, "f64"), isRange);
        assert.throws(() => open.loadSync(at, "i32"), isRange);
        assert.throws(() => open.loadSync(30_000), isRange, "a word that is half cut");
        assert.throws(() => open.storeSync(at, 1), isRange);
        assert.throws(() => open.fetchAddSync(at, 1), isRange);
        assert.throws(() => open.compareAndSwapSync(at, 0, 1), isRange);
        await assert.rejects(open.get(at, new Uint8Array(8)), isRange);
        await assert.rejects(open.get(at, new Uint8Array(800)), isRange);
        await assert.rejects(open.put(at, new Uint8Array(8)), isRange);
        await assert.rejects(open.put(at, new Uint8Array(800)), isRange);
        await assert.rejects(open.load(at), isRange);
        await assert.rejects(open.store(at, 1), isRange);
        await assert.rejects(open.fetchAdd(at, 1), isRange);
        await assert.rejects(open.compareAndSwap(at, 0, 1), isRange);
        await assert.rejects(open.accumulate("add", at, new BigInt64Array(9)), isRange);
        open.storeSync(29_992, 0x01010101_01010101n);
        assert.equal(open.loadBigSync(29_992), 0x01010101_01010101n);
        await open.flush("memory");
      }
      await Promise.all([window.close(), far.close()]);
    });

    it("serves the range again once it is there, as zeros", async () => {
      const { file, other, window, far } = await windows();
      await file.resize(10_000);
      await other.resize(0);
      await file.resize(SIZE);
      for (const open of [window, far]) {
        assert.deepEqual(open.getSync(0, new Uint8Array(SIZE)), new Uint8Array(SIZE));
        assert.equal(open.loadSync(40_000), 0);
      }
      window.storeSync(40_000, 7);
      assert.equal(await far.load(40_000), 7);
      await far.put(20_000, ones(1000));
      assert.deepEqual(await window.get(20_000, new Uint8Array(1000)), ones(1000));
      await Promise.all([window.close(), far.close()]);
    });

    it("leaves every window its range when the file grows; new windows see all of it", async () => {
      const { file, other, window, far, sharing } = await windows();
      await file.resize(3_000_000);
      assert.equal(file.size, 3_000_000);
      for (const open of [window, far]) {
        assert.deepEqual(open.getSync(0, new Uint8Array(SIZE)), ones(SIZE));
        assert.throws(() => open.loadSync(SIZE), isRange);
      }
      await using large = await file.window({ rights: "rw", sharing });
      assert.equal(large.length, 3_000_000);
      assert.equal(large.loadSync(2_999_992), 0);
      large.putSync(0, ones(3_000_000));
      assert.deepEqual(await large.get(0, new Uint8Array(3_000_000)), ones(3_000_000));
      assert.deepEqual(far.getSync(0, new Uint8Array(SIZE)), ones(SIZE));
      await file.resize(1000);
      assert.equal(file.size, 1000);
      assert.throws(() => large.getSync(999, new Uint8Array(2)), isRange);
      assert.deepEqual(far.getSync(0, new Uint8Array(1000)), ones(1000));
      await assert.rejects(file.window({ length: 1001 }), isRange);
      await assert.rejects(other.window({ sharing }), isRange, "a size that it has not heard of");
      await Promise.all([window.close(), far.close()]);
    });

    it("goes through every size, byte by byte around pages and stripes", async () => {
      const { file, window } = await windows(20_000);
      for (const size of [
        19_999, 12_289, 12_288, 12_287, 8193, 8192, 8191, 4097, 4096, 4095, 9, 8, 7, 1, 0,
      ]) {
        await file.resize(size);
        assert.throws(() => window.getSync(size, new Uint8Array(1)), isRange, `${size}`);
        assert.deepEqual(window.getSync(0, new Uint8Array(size)), ones(size), `${size}`);
      }
      for (const size of [1, 4096, 4097, 16_384, 20_000]) {
        await file.resize(size);
        assert.deepEqual(window.getSync(0, new Uint8Array(size)), new Uint8Array(size), `${size}`);
        if (size < 20_000) assert.throws(() => window.getSync(size, new Uint8Array(1)), isRange);
      }
      await window.close();
    });
  });
}
