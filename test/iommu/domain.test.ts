import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BAD_HANDLE, Domain, NO_RIGHT, OUT_OF_RANGE, READ, WRITE } from "../../src/iommu/domain.ts";
import { commandLength, commandOffset, encodeCommand, OPCODE } from "../../src/wire/header.ts";

const REGION_BYTES = Number.MAX_SAFE_INTEGER;

function domainOf(byteLength = 100, rights = READ | WRITE): Domain<string> {
  const domain = new Domain<string>();
  domain.bind({ handle: 5, region: "a", base: 4096, byteLength, rights }, REGION_BYTES);
  return domain;
}

test("an access inside its binding becomes an offset in the region", () => {
  const domain = domainOf();
  assert.equal(domain.translate(5, 0, 100, READ), 4096);
  assert.equal(domain.region, "a");
  assert.equal(domain.translate(5, 99, 1, WRITE), 4195);
  assert.equal(domain.translate(5, 100, 0, READ), 4196, "no bytes at the very end");
});

test("every refusal has its sentinel", () => {
  const domain = domainOf(100, READ);
  assert.equal(domain.translate(4, 0, 1, READ), BAD_HANDLE);
  assert.equal(domain.translate(0xffffffff, 0, 1, READ), BAD_HANDLE);
  assert.equal(domain.translate(5, 0, 1, WRITE), NO_RIGHT);
  assert.equal(domain.translate(5, 0, 1, READ | WRITE), NO_RIGHT);
  assert.equal(domain.translate(5, 100, 1, READ), OUT_OF_RANGE);
  assert.equal(domain.translate(5, 0, 101, READ), OUT_OF_RANGE);
  assert.equal(domain.translate(5, 101, 0, READ), OUT_OF_RANGE);
});

test("an unbound handle is bad at once, also when it was used last, and is never used again", () => {
  const domain = domainOf();
  domain.bind({ handle: 6, region: "b", base: 0, byteLength: 8, rights: READ }, REGION_BYTES);
  assert.equal(domain.translate(5, 0, 1, READ), 4096);
  assert.equal(domain.unbind(5)?.region, "a");
  assert.equal(domain.region, undefined);
  assert.equal(domain.translate(5, 0, 1, READ), BAD_HANDLE);
  assert.equal(domain.unbind(5), undefined);
  assert.equal(domain.translate(6, 0, 8, READ), 0);
  for (const handle of [0, 5, 6]) {
    assert.throws(() =>
      domain.bind({ handle, region: "c", base: 0, byteLength: 8, rights: READ }, REGION_BYTES),
    );
  }
});

test("no offset and length of 64 bits reach outside the binding", () => {
  const u64 = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 0n, max: 300n }),
    fc.bigInt({ min: 0n, max: 300n }).map((n) => 2n ** 64n - 1n - n),
    fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 32n),
  );
  const sizes = fc.oneof(fc.nat(200), fc.constantFrom(2 ** 53 - 1 - 4096, 2 ** 40));
  fc.assert(
    fc.property(u64, u64, sizes, (offset, length, byteLength) => {
      // Through the header, as it comes from the wire.
      const words = new Int32Array(16);
      encodeCommand(words, 0, OPCODE.GET, 0, 0, 5, 0, 0, 0);
      const halves = new Int32Array(new BigUint64Array([offset, length]).buffer);
      words.set(halves, 4);
      const at = domainOf(byteLength).translate(5, commandOffset(words, 0), commandLength(words, 0), READ);
      const inside = offset + length <= BigInt(byteLength);
      assert.equal(at, inside ? 4096 + Number(offset) : OUT_OF_RANGE);
    }),
    { numRuns: 2000 },
  );
});

test("what a region loses is out of every binding's reach, and in it again when it has grown back", () => {
  const domain = domainOf();
  domain.bind({ handle: 6, region: "a", base: 0, byteLength: 50, rights: READ }, 4196);
  domain.bind({ handle: 7, region: "b", base: 4096, byteLength: 100, rights: READ }, 5000);
  assert.equal(domain.translate(5, 50, 50, READ), 4146);
  domain.resize("a", 4146);
  assert.equal(domain.translate(5, 0, 50, READ), 4096);
  assert.equal(domain.translate(5, 50, 1, READ), OUT_OF_RANGE);
  assert.equal(domain.translate(5, 0, 51, READ), OUT_OF_RANGE);
  assert.equal(domain.translate(6, 0, 50, READ), 0);
  assert.equal(domain.translate(7, 0, 100, READ), 4096, "another region keeps what it has");
  domain.resize("a", 10);
  assert.equal(domain.translate(5, 0, 1, READ), OUT_OF_RANGE);
  assert.equal(domain.translate(5, 0, 0, READ), 4096, "no bytes, as a flush asks for");
  assert.equal(domain.translate(6, 0, 11, READ), OUT_OF_RANGE);
  domain.resize("a", 1e6);
  assert.equal(domain.translate(5, 0, 100, READ), 4096);
  assert.equal(domain.translate(5, 0, 101, READ), OUT_OF_RANGE, "never more than was granted");
  assert.equal(domain.translate(6, 0, 50, READ), 0);
});

test("a binding reaches no further than its region does when it is made", () => {
  const domain = new Domain<string>();
  domain.bind({ handle: 1, region: "a", base: 10, byteLength: 100, rights: READ }, 30);
  assert.equal(domain.translate(1, 0, 20, READ), 10);
  assert.equal(domain.translate(1, 0, 21, READ), OUT_OF_RANGE);
  domain.bind({ handle: 2, region: "a", base: 100, byteLength: 100, rights: READ }, 30);
  assert.equal(domain.translate(2, 0, 1, READ), OUT_OF_RANGE);
});
