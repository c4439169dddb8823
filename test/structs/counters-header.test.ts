import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import { CONTROL_BLOCK_BYTES } from "../../src/structs/control-counters.ts";
import {
  CONTROL_BLOCK_AT,
  COUNTERS_BYTES_MAX,
  type CountersHeader,
  countersBytes,
  decodeCountersHeader,
  encodeCountersHeader,
  workerBlockAt,
} from "../../src/structs/counters-header.ts";
import { WORKER_BLOCK_BYTES } from "../../src/structs/worker-counters.ts";

const HEADER: CountersHeader = {
  target: "0123456789abcdef".repeat(2),
  name: "target-3",
  pid: 0x1234,
  startTicks: 0x1_0000_0002,
  startedMs: 1.5,
  startedWallMs: 2,
  workerCount: 2,
};

function encoded(header: Partial<CountersHeader> = {}): Uint8Array {
  const whole = { ...HEADER, ...header };
  const file = new Uint8Array(countersBytes(whole.workerCount));
  encodeCountersHeader(file, whole);
  return file;
}

/** Makes the checksum match what lies there. */
function seal(file: Uint8Array): Uint8Array {
  new DataView(file.buffer).setUint32(124, crc32(file.subarray(0, 124)), true);
  return file;
}

const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

test("golden bytes", () => {
  const file = encoded();
  const golden = [
    "4449444146534354", // magic "DIDAFSCT"
    "0200000000100000", // version 2, header of 4096 bytes
    "0010000000700000", // control block of 4096 bytes, worker blocks of 28,672
    "0200000034120000", // 2 workers, pid 0x1234
    "0200000001000000", // started 0x1_0000_0002 ticks after boot
    "000000000000f83f", // 1.5 ms on the target's clock
    "0000000000000040", // 2 ms since 1970
    "0123456789abcdef0123456789abcdef",
    "7461726765742d33".padEnd(64, "0"), // "target-3"
    "00".repeat(20),
  ].join("");
  assert.equal(Buffer.from(file.subarray(0, 124)).toString("hex"), golden);
  assert.equal(new DataView(file.buffer).getUint32(124, true), crc32(Buffer.from(golden, "hex")));
  assert.ok(file.subarray(128).every((byte) => byte === 0));
});

test("decoding gives back what was encoded; a name is cut after 32 bytes", () => {
  assert.deepEqual(decodeCountersHeader(encoded(), "x"), HEADER);
  const long = decodeCountersHeader(encoded({ name: "n".repeat(40) }), "x");
  assert.equal(long.name, "n".repeat(32));
});

test("blocks begin pages, so that no two threads write to one line", () => {
  const begins = [CONTROL_BLOCK_AT, workerBlockAt(0), workerBlockAt(1), countersBytes(2)];
  const sizes = [CONTROL_BLOCK_BYTES, WORKER_BLOCK_BYTES, WORKER_BLOCK_BYTES];
  assert.ok(begins.every((at) => at % 4096 === 0 && at >= 4096));
  assert.deepEqual(
    sizes,
    begins.slice(1).map((end, i) => end - (begins[i] as number)),
  );
  assert.equal(COUNTERS_BYTES_MAX, countersBytes(64));
});

test("another layout is told from damage", () => {
  const file = encoded();
  file[8] = 3;
  assert.throws(
    () => decodeCountersHeader(file, "/x"),
    (error) => isDidafsError(error, "ERR_VERSION") && /layout 3.*layout 2/.test(error.message),
  );
});

test("any byte of the header that changes is noticed", () => {
  fc.assert(
    fc.property(fc.nat(127), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const file = encoded();
      file[at] = (file[at] as number) ^ flip;
      assert.throws(
        () => decodeCountersHeader(file, "x"),
        (error) => isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"),
      );
    }),
  );
});

test("sizes that contradict each other or the file are refused, whoever summed them up", () => {
  for (const [at, value] of [
    [12, 8192],
    [16, 0],
    [20, 28_664],
    [24, 0],
    [24, 1],
    [24, 3],
    [24, 0xffff_ffff],
  ] as const) {
    const file = encoded();
    new DataView(file.buffer).setUint32(at, value, true);
    assert.throws(() => decodeCountersHeader(seal(file), "x"), isCorrupt, `${value} at ${at}`);
  }
  for (const length of [0, 127, 4095, 4096, countersBytes(2) - 1]) {
    assert.throws(
      () => decodeCountersHeader(encoded().subarray(0, length), "x"),
      isCorrupt,
      `${length} bytes`,
    );
  }
  assert.throws(() => decodeCountersHeader(encoded({ startedMs: Number.NaN }), "x"), isCorrupt);
  assert.throws(() => decodeCountersHeader(encoded({ startTicks: 2 ** 60 }), "x"), isCorrupt);
});

test("whatever the bytes, it is a header that fits its file, or a typed error", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(bytes, fc.nat(120), fc.boolean(), (random, at, sealed) => {
      const file = encoded();
      file.set(random.subarray(0, 124 - at), at);
      try {
        const { workerCount } = decodeCountersHeader(sealed ? seal(file) : file, "x");
        assert.equal(countersBytes(workerCount), file.length);
      } catch (error) {
        if (!isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) throw error;
      }
    }),
  );
});
