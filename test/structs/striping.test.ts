import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { regionBytes, regionIndex, regionOffset } from "../../src/structs/striping.ts";

describe("striping", () => {
  it("places known bytes where they have always lain", () => {
    const places = [0, 4095, 4096, 8191, 8192, 12_288, 12_289].map((at) => [
      regionIndex(at, 4096, 3),
      regionOffset(at, 4096, 3),
    ]);
    assert.deepEqual(places, [
      [0, 0],
      [0, 4095],
      [1, 0],
      [1, 4095],
      [2, 0],
      [0, 4096],
      [0, 4097],
    ]);
    assert.deepEqual(
      [0, 1, 2].map((index) => regionBytes(12_290, 4096, 3, index)),
      [4098, 4096, 4096],
    );
    assert.deepEqual(
      [0, 1, 2].map((index) => regionBytes(0, 4096, 3, index)),
      [0, 0, 0],
    );
  });

  it("agrees with laying the bytes out one by one", () => {
    const unit = fc.constantFrom(1, 2, 4, 8);
    fc.assert(
      fc.property(fc.nat(300), unit, fc.integer({ min: 1, max: 7 }), (size, stripeUnit, count) => {
        const filled = new Array<number>(count).fill(0);
        for (let at = 0; at < size; at += 1) {
          const index = regionIndex(at, stripeUnit, count);
          assert.equal(regionOffset(at, stripeUnit, count), filled[index], "each region fills without a gap");
          filled[index] = (filled[index] as number) + 1;
        }
        assert.deepEqual(
          filled,
          filled.map((_, index) => regionBytes(size, stripeUnit, count, index)),
        );
      }),
    );
  });

  it("is exact up to the largest safe integer", () => {
    const size = Number.MAX_SAFE_INTEGER;
    const parts = [0, 1, 2].map((index) => regionBytes(size, 2 ** 20, 3, index));
    assert.equal(
      parts.reduce((sum, part) => sum + BigInt(part), 0n),
      BigInt(size),
    );
    const at = size - 1;
    assert.equal(regionOffset(at, 2 ** 20, 3), (parts[regionIndex(at, 2 ** 20, 3)] as number) - 1);
  });
});
