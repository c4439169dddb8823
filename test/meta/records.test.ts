import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeEntry, encodeEntry } from "../../src/meta/entry-record.ts";
import { decodeInode, encodeInode, type Inode } from "../../src/meta/inode-record.ts";
import {
  entryKey,
  entryName,
  entryRange,
  inodeKey,
  removalKey,
  removalRange,
  removalRegion,
  trashInode,
  trashKey,
} from "../../src/meta/keys.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const target = "00112233445566778899aabbccddeeff";

const anyInode: fc.Arbitrary<Inode> = fc
  .record({
    directory: fc.boolean(),
    mode: fc.integer({ min: 0, max: 0xffff_ffff }),
    size: fc.maxSafeNat(),
    mtimeMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    shift: fc.integer({ min: 12, max: 52 }),
    regions: fc.array(
      fc.record(
        {
          target: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(hex),
          drive: fc.constantFrom("file" as const, "memory" as const),
        },
        { noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 20 },
    ),
  })
  .map(({ directory, shift, regions, ...rest }) => ({
    ...rest,
    type: directory ? "directory" : "file",
    layout: directory ? undefined : { stripeUnit: 2 ** shift, regions },
  }));

describe("inode record", () => {
  test("golden bytes", () => {
    const inode: Inode = {
      type: "file",
      mode: 0o644,
      size: 0x0012_3456_789a_bcde,
      mtimeMs: 1.5,
      layout: { stripeUnit: 2 ** 20, regions: [{ target, drive: "memory" }] },
    };
    const golden = [
      "ded1 01 01", // magic, version, file
      "a4010000", // mode 0o644
      "debc9a7856341200", // size
      "000000000000f83f", // mtimeMs
      "01000000 14 000000", // one region, 2 ** 20
      "00".repeat(32),
      target,
      "02", // memory
      "00".repeat(15),
    ].join("");
    assert.equal(hex(encodeInode(inode)), golden.replaceAll(" ", ""));
    const directory: Inode = { type: "directory", mode: 0o755, size: 0, mtimeMs: 0, layout: undefined };
    assert.equal(hex(encodeInode(directory)), `ded10102ed010000${"00".repeat(56)}`);
  });

  test("what is encoded is decoded", () => {
    fc.assert(fc.property(anyInode, (inode) => assert.deepEqual(decodeInode(encodeInode(inode)), inode)));
  });

  test("damaged records give a typed error, or a record that encodes to what was read", () => {
    const changes = fc.array(fc.record({ at: fc.nat(120), byte: fc.nat(255) }), { maxLength: 3 });
    fc.assert(
      fc.property(anyInode, changes, fc.nat(700), (inode, edits, length) => {
        const whole = Buffer.from(encodeInode(inode));
        for (const { at, byte } of edits) if (at < whole.byteLength) whole[at] = byte;
        const bytes = whole.subarray(0, length);
        try {
          assert.equal(decodeInode(encodeInode(decodeInode(bytes))).size, decodeInode(bytes).size);
        } catch (error) {
          assert.ok(isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"), String(error));
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(
          () => decodeInode(bytes),
          (error) => isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION"),
        );
      }),
    );
  });

  test("another version is named, and so is ours", () => {
    const bytes = Buffer.from(
      encodeInode({ type: "directory", mode: 0, size: 0, mtimeMs: 0, layout: undefined }),
    );
    bytes[2] = 7;
    assert.throws(() => decodeInode(bytes), { code: "ERR_VERSION", message: /version 7.*is 1/ });
  });
});

test("entries: golden bytes; damaged ones are refused", () => {
  assert.equal(hex(encodeEntry({ inode: 0x0102, type: "directory" })), "020100000000000002");
  assert.deepEqual(decodeEntry(encodeEntry({ inode: 2 ** 53 - 1, type: "file" })), {
    inode: 2 ** 53 - 1,
    type: "file",
  });
  for (const bytes of [
    [],
    [1, 0, 0, 0, 0, 0, 0, 0, 9],
    [0, 0, 0, 0, 0, 0, 0, 0, 1],
    [1, 0, 0, 0, 0, 0, 0, 255, 1],
  ]) {
    assert.throws(() => decodeEntry(Uint8Array.from(bytes)), { code: "ERR_CORRUPT" });
  }
});

describe("keys", () => {
  test("golden bytes", () => {
    assert.equal(hex(inodeKey(258)), "690000000000000102");
    assert.equal(hex(entryKey(1, "é")), "650000000000000001c3a9");
    assert.equal(hex(removalKey(target, 258, 3)), `72${target}000000000000010200000003`);
    assert.equal(hex(trashKey(5)), "740000000000000005");
  });

  test("what went in comes out", () => {
    assert.equal(entryName(entryKey(77, "größe")), "größe");
    assert.deepEqual(removalRegion(removalKey(target, 2 ** 53 - 1, 1023)), {
      inode: 2 ** 53 - 1,
      index: 1023,
    });
    assert.equal(trashInode(trashKey(9)), 9);
  });

  test("ranges hold what they should, and nothing else", () => {
    const within = ([start, end]: readonly [Uint8Array, Uint8Array], key: Uint8Array) =>
      Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.string(), fc.string(), (a, b, name, after) => {
        assert.equal(within(entryRange(a), entryKey(b, name)), a === b);
        const isBehind = Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0;
        assert.equal(within(entryRange(a, after), entryKey(a, name)), isBehind);
      }),
    );
    const note = removalKey(target, 5, 5);
    assert.ok(within(removalRange(target), note));
    assert.ok(within(removalRange(target), removalKey(target, 2 ** 53 - 1, 2 ** 32 - 1)));
    assert.ok(!within(removalRange(target, note), note));
    assert.ok(within(removalRange(target, note), removalKey(target, 5, 6)));
    assert.ok(!within(removalRange(`ff${target.slice(2)}`), note));
  });
});
