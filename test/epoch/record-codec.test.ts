import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { type CommitRecord, RECORD_KIND } from "../../src/epoch/commit-records.ts";
import { decodeRecord, encodeRecord } from "../../src/epoch/record-codec.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { RECORDS } from "./record-samples.ts";

const EPOCH = {
  incarnation: "00112233445566778899aabbccddeeff",
  session: 0x8000_0002,
  secret: "8899aabbccddeeff",
  sequence: 0x1_0000_0003,
};
const TARGETS = ["a0".repeat(16), "b1".repeat(16)] as const;
const WRITES = [
  { inode: 0x1_0000_0002, index: 3, at: 0x2_0000_0005, bytes: new Uint8Array([1, 2]) },
  { inode: 7, index: 0, at: 0, bytes: new Uint8Array([3]) },
];

const EPOCH_HEX = [
  "00112233445566778899aabbccddeeff", // incarnation
  "0300000001000000", // sequence
  "0200008000000000", // session
  "8899aabbccddeeff", // its secret
];
const WRITES_HEX = [
  "02000000010000000500000002000000", // inode, at
  "0300000002000000", // index, 2 bytes
  "07000000000000000000000000000000",
  "0000000001000000",
  "010203",
];

const GOLDEN: readonly [record: CommitRecord, hex: readonly string[]][] = [
  [
    {
      kind: RECORD_KIND.PREPARED,
      epoch: EPOCH,
      decider: { target: TARGETS[0], worker: 2 },
      shared: [{ inode: 0x1_0000_0002, index: 3, line: 0xffff_ffff }],
      writes: WRITES,
    },
    [
      ...EPOCH_HEX,
      TARGETS[0], // decider
      "0200000000000000", // its worker
      "0100000002000000", // 1 shared line, 2 writes
      "020000000100000003000000ffffffff", // inode, index, line
      ...WRITES_HEX,
    ],
  ],
  [
    {
      kind: RECORD_KIND.COMMITTED,
      epoch: EPOCH,
      prepared: 0x1_0000_0018,
      others: [
        { target: TARGETS[0], worker: 1 },
        { target: TARGETS[1], worker: 0 },
      ],
    },
    [
      ...EPOCH_HEX,
      "1800000001000000", // prepared
      "0200000000000000", // 2 others
      TARGETS[0],
      "0100000000000000",
      TARGETS[1],
      "0000000000000000",
    ],
  ],
  [
    { kind: RECORD_KIND.COMMITTED_ALONE, epoch: EPOCH, writes: WRITES },
    [
      ...EPOCH_HEX,
      "0000000002000000", // 2 writes
      ...WRITES_HEX,
    ],
  ],
  [
    { kind: RECORD_KIND.FINISHED, epoch: EPOCH, ends: 0x1_0000_0018, committed: true },
    [
      ...EPOCH_HEX,
      "1800000001000000", // ends
      "0100000000000000", // committed
    ],
  ],
  [
    { kind: RECORD_KIND.FLUSHED, inode: 0x1_0000_0002, index: 3, upTo: 0x1_0000_0020 },
    [
      "0200000001000000", // inode
      "2000000001000000", // upTo
      "0300000000000000", // index
    ],
  ],
];

const joined = (record: CommitRecord): Buffer => Buffer.concat(encodeRecord(record));
const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

/** Reads it, or says what is wrong with it. */
function attempt(kind: number, body: Uint8Array): CommitRecord | undefined {
  try {
    return decodeRecord(kind, body);
  } catch (error) {
    if (isCorrupt(error)) return undefined;
    throw error;
  }
}

describe("golden bytes", () => {
  assert.deepEqual(
    GOLDEN.map(([{ kind }]) => kind),
    Object.values(RECORD_KIND),
  );
  for (const [record, hex] of GOLDEN) {
    it(`kind ${record.kind}`, () => {
      assert.equal(joined(record).toString("hex"), hex.join(""));
      assert.deepEqual(decodeRecord(record.kind, Uint8Array.from(joined(record))), record);
    });
  }
});

test("the bytes of writes are not copied", () => {
  const [, first, second] = encodeRecord((GOLDEN[0] as (typeof GOLDEN)[0])[0]);
  assert.deepEqual([first, second], [WRITES[0]?.bytes, WRITES[1]?.bytes]);
  assert.equal(first, WRITES[0]?.bytes);
});

test("decoding gives back what was encoded", () => {
  fc.assert(
    fc.property(RECORDS, (record) => {
      assert.deepEqual(decodeRecord(record.kind, Uint8Array.from(joined(record))), record);
    }),
    { numRuns: 1000 },
  );
});

test("a body that is cut, or longer, is refused", () => {
  for (const [{ kind }, hex] of GOLDEN) {
    const body = Buffer.from(hex.join(""), "hex");
    for (let length = 0; length < body.length; length += 1) {
      assert.throws(() => decodeRecord(kind, body.subarray(0, length)), isCorrupt, `${kind}, ${length}`);
    }
    assert.throws(() => decodeRecord(kind, Buffer.concat([body, new Uint8Array(1)])), isCorrupt);
  }
});

test("counts and numbers that no record has are refused", () => {
  for (const [kind, at, bytes] of [
    [RECORD_KIND.PREPARED, 23, [1]], // sequence above 2^53
    [RECORD_KIND.PREPARED, 64, [2]],
    [RECORD_KIND.PREPARED, 64, [0xff, 0xff, 0xff, 0xff]],
    [RECORD_KIND.PREPARED, 68, [0xff, 0xff, 0xff, 0xff]],
    [RECORD_KIND.PREPARED, 68, [1]],
    [RECORD_KIND.PREPARED, 95, [1]], // inode of a write above 2^53
    [RECORD_KIND.PREPARED, 96, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]], // it ends above 2^53
    [RECORD_KIND.PREPARED, 108, [0xff, 0xff, 0xff, 0xff]], // bytes of a write
    [RECORD_KIND.COMMITTED, 48, [0xff, 0xff, 0xff, 0xff]],
    [RECORD_KIND.COMMITTED, 48, [1]],
    [RECORD_KIND.COMMITTED_ALONE, 44, [0]],
    [RECORD_KIND.FINISHED, 48, [2]], // neither committed nor not
    [RECORD_KIND.FLUSHED, 15, [1]], // upTo above 2^53
  ] as const) {
    const [, hex] = GOLDEN.find(([record]) => record.kind === kind) as (typeof GOLDEN)[0];
    const body = Buffer.from(hex.join(""), "hex");
    body.set(bytes, at);
    assert.throws(() => decodeRecord(kind, body), isCorrupt, `${kind}, ${at}`);
  }
  for (const kind of [0, 6, 65_535]) assert.throws(() => decodeRecord(kind, new Uint8Array(24)), isCorrupt);
});

test("whatever a body has, it is a record or refused, and what is read is written back as it was", () => {
  const kind = fc.nat(6);
  const any = fc.tuple(kind, fc.uint8Array({ maxLength: 200 }));
  const word = fc.constantFrom(0, 1, 2, 24, 2 ** 31, 2 ** 32 - 1);
  const mutated = fc
    .tuple(RECORDS, fc.array(fc.tuple(fc.nat(), word), { minLength: 1, maxLength: 3 }), fc.nat(3))
    .map(([record, changes, cut]): [number, Uint8Array] => {
      const body = joined(record);
      for (const [at, value] of changes) {
        if (body.length >= 4) body.writeUInt32LE(value, (at % Math.floor(body.length / 4)) * 4);
      }
      return [record.kind, body.subarray(0, body.length - cut)];
    });
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(any, mutated), ([kindOf, body]) => {
      const record = attempt(kindOf, Uint8Array.from(body));
      if (record === undefined) return;
      read += 1;
      // What is unused may be other than zero.
      assert.equal(joined(record).length, body.length);
      assert.deepEqual(decodeRecord(record.kind, Uint8Array.from(joined(record))), record);
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 0);
});
