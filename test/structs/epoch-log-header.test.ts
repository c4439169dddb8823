import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import {
  decodeEpochLogHeader,
  EPOCH_LOG_HEADER_BYTES,
  type EpochLogHeader,
  encodeEpochLogHeader,
} from "../../src/structs/epoch-log-header.ts";

const HEADER: EpochLogHeader = {
  ringBytes: 0x400_0000,
  start: 0x1_0000_0008,
  lifeStart: 0x1_0000_0010,
  life: 7,
  secret: 0xfedc_ba98,
  sequence: 4,
};
const SLOTS = [0, 2048];
const SLOT_BYTES = 64;

function encoded(...headers: Partial<EpochLogHeader>[]): Uint8Array {
  const page = new Uint8Array(EPOCH_LOG_HEADER_BYTES);
  for (const header of headers) encodeEpochLogHeader(page, "l", { ...HEADER, ...header });
  return page;
}

/** Changes bytes of the first slot and makes its checksum match again. */
function forge(page: Uint8Array, at: number, bytes: number[]): void {
  page.set(bytes, at);
  new DataView(page.buffer).setUint32(SLOT_BYTES - 4, crc32(page.subarray(0, SLOT_BYTES - 4)), true);
}

const isCode = (code: "ERR_CORRUPT" | "ERR_VERSION") => (error: unknown) => isDidafsError(error, code);

test("golden bytes", () => {
  const page = encoded({}, { sequence: 5, start: HEADER.lifeStart });
  const golden = (start: string, sequence: string) =>
    [
      "444944414653454c", // magic "DIDAFSEL"
      "0200000000100000", // version 2, header of 4096 bytes
      "0000000400000000", // ring of 64 MiB
      start,
      "1000000001000000", // the life began at 0x1_0000_0010
      sequence,
      "0700000098badcfe", // life 7, secret
      "00000000",
    ].join("");
  const slot = (number: number) =>
    Buffer.from(page.subarray(number * 2048, number * 2048 + 64)).toString("hex");
  assert.equal(slot(0), `${golden("0800000001000000", "0400000000000000")}14466a55`);
  assert.equal(slot(1), `${golden("1000000001000000", "0500000000000000")}20aeeca1`);
  for (const [from, to] of [
    [64, 2048],
    [2112, 4096],
  ] as const) {
    assert.ok(page.subarray(from, to).every((byte) => byte === 0));
  }
});

test("decoding gives back what was encoded last", () => {
  const unit = (max: number) => fc.nat({ max }).map((count) => count * 8);
  const header = fc
    .record({
      ringBytes: unit(2 ** 29 - 2).map((bytes) => bytes + 8),
      start: unit(2 ** 48),
      life: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      secret: fc.nat({ max: 2 ** 32 - 1 }),
    })
    .chain((fields) =>
      fc.record({
        ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fc.constant(value)])),
        lifeStart: unit(fields.ringBytes / 8).map((bytes) => fields.start + bytes),
      }),
    ) as fc.Arbitrary<EpochLogHeader>;
  fc.assert(
    fc.property(header, header, fc.nat({ max: 2 ** 52 - 2 }), (before, after, sequence) => {
      const page = encoded({ ...before, sequence });
      assert.deepEqual(decodeEpochLogHeader(page, "l"), { ...before, sequence });
      encodeEpochLogHeader(page, "l", { ...after, sequence: sequence + 1 });
      assert.deepEqual(decodeEpochLogHeader(page, "l"), { ...after, sequence: sequence + 1 });
    }),
  );
});

test("a page of zeros is a log that nothing was appended to", () => {
  assert.equal(decodeEpochLogHeader(new Uint8Array(EPOCH_LOG_HEADER_BYTES), "l"), undefined);
});

test("any damage to one copy leaves the other; damage to both is an error", () => {
  const damage = fc.tuple(fc.nat(SLOT_BYTES - 1), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(fc.nat(1), damage, damage, (slot, [at, flip], [otherAt, otherFlip]) => {
      const headers = [HEADER, { ...HEADER, sequence: 5, life: 8 }];
      const page = encoded(...headers);
      const place = (SLOTS[slot] as number) + at;
      page[place] = (page[place] as number) ^ flip;
      assert.deepEqual(decodeEpochLogHeader(page, "l"), headers[1 - slot]);
      const other = (SLOTS[1 - slot] as number) + otherAt;
      page[other] = (page[other] as number) ^ otherFlip;
      assert.throws(
        () => decodeEpochLogHeader(page, "l"),
        (error) => isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"),
      );
    }),
  );
});

test("another version is refused, and the message names both", () => {
  const page = encoded({});
  page[8] = 9;
  assert.throws(
    () => decodeEpochLogHeader(page, "l"),
    (error) => isDidafsError(error, "ERR_VERSION") && /format 9;.*format 2/.test(error.message),
  );
  forge(page, 8, [3]);
  encodeEpochLogHeader(page, "l", { ...HEADER, sequence: 5 });
  assert.throws(() => decodeEpochLogHeader(page, "l"), isCode("ERR_VERSION"), "also beside a copy of ours");
});

test("fields that no log has are refused although the checksum matches", () => {
  for (const [at, bytes] of [
    [12, [1]], // header length
    [16, [0, 0, 0, 0]], // no ring
    [16, [4]], // a ring of no whole units
    [21, [1]], // a ring above 2^32
    [24, [1]], // a start within a unit
    [30, [0x10]], // a start of 2^52
    [38, [0x10]], // a life that begins at 2^52
    [36, [2]], // and one that begins further from the start than the ring goes
    [40, [5]], // sequence of the other slot
    [48, [0]], // life 0
  ] as const) {
    const page = encoded({});
    forge(page, at, [...bytes]);
    assert.throws(() => decodeEpochLogHeader(page, "l"), isCode("ERR_CORRUPT"), `${at}`);
  }
  assert.throws(() => decodeEpochLogHeader(new Uint8Array(100), "l"), isCode("ERR_CORRUPT"));
  for (const header of [{ sequence: 2 ** 52 }, { life: 2 ** 32 }, { start: 2 ** 52, lifeStart: 2 ** 52 }]) {
    assert.throws(() => encoded(header), isCode("ERR_CORRUPT"));
  }
});
