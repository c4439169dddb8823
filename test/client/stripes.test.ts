import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Stripes } from "../../src/client/stripes.ts";

describe("stripes of a window", () => {
  it("finds each byte once, in order, inside its binding", () => {
    const shape = fc.record({
      start: fc.nat(200),
      length: fc.nat(200),
      unit: fc.constantFrom(4, 8, 16),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(shape, ({ start, length, unit, count }) => {
        const stripes = new Stripes(start, length, unit, count);
        const next = new Map(stripes.bindings.map(({ index }) => [index, 0]));
        let covered = 0;
        stripes.forEach(0, length, (index, offset, from, to) => {
          assert.equal(from, covered);
          assert.equal(offset, next.get(index), "a binding fills without a gap");
          assert.equal(stripes.regionOf(from, to - from), index);
          next.set(index, offset + to - from);
          covered = to;
        });
        assert.equal(covered, length);
        for (const { index, byteLength } of stripes.bindings) assert.equal(next.get(index), byteLength);
      }),
    );
  });

  it("says where a range lies in one run, and where not", () => {
    const stripes = new Stripes(0, 100, 16, 3);
    assert.equal(stripes.regionOf(0, 16), 0);
    assert.equal(stripes.regionOf(16, 16), 1);
    assert.equal(stripes.regionOf(8, 16), undefined);
    assert.equal(new Stripes(0, 100, 16, 1).regionOf(8, 80), 0);
  });
});
