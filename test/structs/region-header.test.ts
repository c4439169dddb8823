import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import {
  countResize,
  decodeRegionHeader,
  encodeRegionHeader,
  glanceResizes,
  newestHeader,
  REGION_HEADER_BYTES,
  type RegionHeader,
  regionObjectBytes,
  regionResizes,
} from "../../src/structs/region-header.ts";

const REGION: RegionHeader = {
  inode: 0x1_0000_0002,
  index: 3,
  byteLength: 0x20_0000_0005,
  written: true,
  sequence: 4,
};
const SLOTS = [0, 2048];
const SLOT_BYTES = 64;

function encoded(...headers: Partial<RegionHeader>[]): Uint8Array {
  const page = new Uint8Array(REGION_HEADER_BYTES);
  for (const header of headers) encodeRegionHeader(page, { ...REGION, ...header });
  return page;
}

/** Changes bytes of a slot and makes its checksum match again. */
function forge(page: Uint8Array, slot: number, at: number, bytes: number[]): void {
  const begin = SLOTS[slot] as number;
  page.set(bytes, begin + at);
  const checksum = crc32(page.subarray(begin, begin + SLOT_BYTES - 4));
  new DataView(page.buffer).setUint32(begin + SLOT_BYTES - 4, checksum, true);
}

const isCode = (code: "ERR_CORRUPT" | "ERR_VERSION") => (error: unknown) => isDidafsError(error, code);

test("golden bytes", () => {
  const page = encoded({}, { sequence: 5, written: false, byteLength: 7 });
  countResize(new Int32Array(page.buffer));
  const golden = (flags: string, byteLength: string, sequence: string) =>
    [
      "4449444146535247", // magic "DIDAFSRG"
      "0200000000100000", // version 2, header of 4096 bytes
      "0200000001000000", // inode 0x1_0000_0002
      `03000000${flags}`, // index 3, flags: written
      byteLength,
      sequence,
      "000000000000000000000000",
    ].join("");
  const first = golden("01000000", "0500000020000000", "0400000000000000");
  const second = golden("00000000", "0700000000000000", "0500000000000000");
  assert.equal(Buffer.from(page.subarray(0, 60)).toString("hex"), first);
  assert.equal(Buffer.from(page.subarray(2048, 2108)).toString("hex"), second);
  assert.equal(Buffer.from(page.subarray(60, 64)).toString("hex"), "c39e208c");
  assert.equal(Buffer.from(page.subarray(2108, 2112)).toString("hex"), "6fa420e5");
  assert.equal(Buffer.from(page.subarray(1024, 1028)).toString("hex"), "01000000");
  for (const [from, to] of [
    [64, 1024],
    [1028, 2048],
    [2112, 4096],
  ] as const) {
    assert.ok(page.subarray(from, to).every((byte) => byte === 0));
  }
});

test("decoding gives back what was encoded last", () => {
  const header = fc.record({
    inode: fc.maxSafeNat(),
    index: fc.nat(),
    byteLength: fc.maxSafeNat(),
    written: fc.boolean(),
  });
  fc.assert(
    fc.property(header, header, fc.nat({ max: 2 ** 52 - 2 }), (before, region, sequence) => {
      const page = new Uint8Array(REGION_HEADER_BYTES);
      encodeRegionHeader(page, { ...before, sequence });
      assert.deepEqual(decodeRegionHeader(page, "r"), { ...before, sequence });
      encodeRegionHeader(page, { ...region, sequence: sequence + 1 });
      assert.deepEqual(decodeRegionHeader(page, "r"), { ...region, sequence: sequence + 1 });
    }),
  );
});

test("a page of zeros is a region whose header was never synced", () => {
  assert.equal(decodeRegionHeader(new Uint8Array(REGION_HEADER_BYTES), "r"), undefined);
});

test("a change that was cut off anywhere leaves the header before it", () => {
  const after = encoded({}, { sequence: 5, byteLength: 77 }, { sequence: 6, byteLength: 99 });
  for (let cut = 0; cut < SLOT_BYTES; cut += 1) {
    const page = encoded({}, { sequence: 5, byteLength: 77 });
    page.set(after.subarray(0, cut), 0);
    const { byteLength } = decodeRegionHeader(page, "r") as RegionHeader;
    assert.equal(byteLength, 77, `${cut} bytes of the change are there`);
  }
  assert.equal(decodeRegionHeader(after, "r")?.byteLength, 99);
});

test("any damage to one copy leaves the other; damage to both is an error, never another region", () => {
  const damage = fc.tuple(fc.nat(SLOT_BYTES - 1), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(fc.nat(1), damage, damage, (slot, [at, flip], [otherAt, otherFlip]) => {
      const headers = [REGION, { ...REGION, sequence: 5, byteLength: 77 }];
      const page = encoded(...headers);
      const place = (SLOTS[slot] as number) + at;
      page[place] = (page[place] as number) ^ flip;
      assert.deepEqual(decodeRegionHeader(page, "r"), headers[1 - slot]);
      const other = (SLOTS[1 - slot] as number) + otherAt;
      page[other] = (page[other] as number) ^ otherFlip;
      assert.throws(
        () => decodeRegionHeader(page, "r"),
        (error) => isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"),
      );
    }),
  );
});

test("another version is refused, and the message names both", () => {
  const names = (version: number) => (error: unknown) =>
    isDidafsError(error, "ERR_VERSION") && new RegExp(`format ${version};.*format 2`).test(error.message);
  for (const version of [1, 3, 9]) {
    const page = encoded({});
    page[8] = version;
    assert.throws(() => decodeRegionHeader(page, "r"), names(version), "whatever its checksum is");
  }
  const page = encoded({}, { sequence: 5 });
  forge(page, 1, 8, [9]);
  assert.throws(() => decodeRegionHeader(page, "r"), names(9), "also beside a copy of ours");
});

test("fields that no format has are refused although the checksum matches", () => {
  for (const [at, bytes] of [
    [12, [1]], // header length
    [23, [1]], // inode above 2^53
    [39, [1]], // byteLength above 2^53
    [46, [0x10]], // sequence of 2^52
    [40, [5]], // sequence of the other slot
  ] as const) {
    const page = encoded({});
    forge(page, 0, at, [...bytes]);
    assert.throws(() => decodeRegionHeader(page, "r"), isCode("ERR_CORRUPT"));
    assert.equal(newestHeader(page), undefined);
  }
  assert.throws(() => decodeRegionHeader(new Uint8Array(100), "r"), isCode("ERR_CORRUPT"));
  assert.throws(() => encoded({ sequence: 2 ** 52 }), isCode("ERR_CORRUPT"));
});

test("resizes are counted, and the count wraps", () => {
  const words = new Int32Array(REGION_HEADER_BYTES / 4);
  assert.equal(regionResizes(words), 0);
  words.fill(-1);
  countResize(words);
  assert.deepEqual([regionResizes(words), glanceResizes(words)], [0, 0]);
  assert.equal(words.filter((word) => word !== -1).length, 1, "nothing else changes");
});

test("an object holds its header and whole pages of data", () => {
  assert.deepEqual([0, 1, 4096, 4097].map(regionObjectBytes), [4096, 8192, 8192, 12288]);
});
