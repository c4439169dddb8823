import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import {
  decodeRegionHeader,
  encodeRegionHeader,
  REGION_HEADER_BYTES,
  regionObjectBytes,
} from "../../src/structs/region-header.ts";

const REGION = { inode: 0x1_0000_0002, index: 3, gen: 4, byteLength: 0x20_0000_0005 };

function encoded(): Uint8Array {
  const page = new Uint8Array(REGION_HEADER_BYTES).fill(0xee);
  encodeRegionHeader(page, REGION);
  return page;
}

test("golden bytes", () => {
  const page = encoded();
  const golden = [
    "4449444146535247", // magic "DIDAFSRG"
    "0100000000100000", // version 1, header of 4096 bytes
    "0200000001000000", // inode 0x1_0000_0002
    "0300000004000000", // index 3, gen 4
    "0500000020000000", // byteLength 0x20_0000_0005
  ].join("");
  assert.equal(Buffer.from(page.subarray(0, 40)).toString("hex"), golden);
  assert.ok(page.subarray(40, 4092).every((byte) => byte === 0));
  assert.equal(Buffer.from(page.subarray(4092)).toString("hex"), "dd3f91c4");
});

test("decoding gives back what was encoded", () => {
  fc.assert(
    fc.property(
      fc.record({
        inode: fc.maxSafeNat(),
        index: fc.nat(),
        gen: fc.nat(),
        byteLength: fc.maxSafeNat(),
      }),
      (region) => {
        const page = new Uint8Array(REGION_HEADER_BYTES);
        encodeRegionHeader(page, region);
        assert.deepEqual(decodeRegionHeader(page, "r"), { ...region });
      },
    ),
  );
});

test("a page of zeros is a region whose header was never synced", () => {
  assert.equal(decodeRegionHeader(new Uint8Array(REGION_HEADER_BYTES), "r"), undefined);
});

test("a newer version is refused, and the message names both", () => {
  const page = encoded();
  page[8] = 9;
  assert.throws(
    () => decodeRegionHeader(page, "r"),
    (error) => isDidafsError(error, "ERR_VERSION") && /format 9.*up to 1/.test(error.message),
  );
});

test("any changed byte makes the header corrupt, or of another version, never another region", () => {
  fc.assert(
    fc.property(fc.nat(REGION_HEADER_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const page = encoded();
      page[at] = (page[at] as number) ^ flip;
      assert.throws(
        () => decodeRegionHeader(page, "r"),
        (error) => isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"),
      );
    }),
  );
});

test("fields that no format has are refused although the checksum matches", () => {
  for (const [at, byte] of [
    [8, 0], // version 0
    [12, 1], // header length
    [23, 1], // inode above 2^53
    [39, 1], // byteLength above 2^53
  ] as const) {
    const page = encoded();
    page[at] = byte;
    new DataView(page.buffer).setUint32(4092, crc32(page.subarray(0, 4092)), true);
    assert.throws(
      () => decodeRegionHeader(page, "r"),
      (error) => isDidafsError(error, "ERR_CORRUPT"),
    );
  }
  assert.throws(
    () => decodeRegionHeader(new Uint8Array(100), "r"),
    (error) => isDidafsError(error, "ERR_CORRUPT"),
  );
});

test("an object holds its header and whole pages of data", () => {
  assert.deepEqual([0, 1, 4096, 4097].map(regionObjectBytes), [4096, 8192, 8192, 12288]);
});
