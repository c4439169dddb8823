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
  linkKey,
  removalKey,
  removalRange,
  removalRegion,
  trashInode,
  trashKey,
} from "../../src/meta/keys.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const target = "00112233445566778899aabbccddeeff";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const time = fc.double({ noNaN: true, noDefaultInfinity: true });

const anyInode: fc.Arbitrary<Inode> = fc
  .record({
    type: fc.constantFrom("file" as const, "directory" as const, "symlink" as const),
    mode: u32,
    uid: u32,
    gid: u32,
    nlink: u32,
    gen: u32,
    sizes: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()),
    atimeMs: time,
    mtimeMs: time,
    ctimeMs: time,
    birthtimeMs: time,
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
  .map(({ sizes, shift, regions, ...rest }) => ({
    ...rest,
    size: Math.min(...sizes),
    extent: Math.max(...sizes),
    layout: rest.type === "file" ? { stripeUnit: 2 ** shift, regions } : undefined,
  }));

const DIRECTORY: Inode = {
  type: "directory",
  mode: 0o755,
  uid: 1000,
  gid: 100,
  nlink: 2,
  gen: 1,
  size: 0,
  extent: 0,
  atimeMs: 0,
  mtimeMs: 0,
  ctimeMs: 0,
  birthtimeMs: 0,
  layout: undefined,
};

describe("inode record", () => {
  test("golden bytes", () => {
    const inode: Inode = {
      type: "file",
      mode: 0o644,
      uid: 1000,
      gid: 0xffff_fffe,
      nlink: 3,
      gen: 0x0102_0304,
      size: 0x0012_3456_789a_bcde,
      extent: 0x0012_3456_789a_bcdf,
      atimeMs: 1.5,
      mtimeMs: 2,
      ctimeMs: -2,
      birthtimeMs: 0.5,
      layout: { stripeUnit: 2 ** 20, regions: [{ target, drive: "memory" }] },
    };
    const golden = [
      "ded1 02 01", // magic, version, file
      "a4010000 e8030000 feffffff", // mode 0o644, uid, gid
      "03000000 04030201", // nlink, gen
      "debc9a7856341200 dfbc9a7856341200", // size, extent
      "000000000000f83f 0000000000000040", // atimeMs, mtimeMs
      "00000000000000c0 000000000000e03f", // ctimeMs, birthtimeMs
      "01000000 14 000000", // one region, 2 ** 20
      "00".repeat(16),
      target,
      "02", // memory
      "00".repeat(15),
    ].join("");
    assert.equal(hex(encodeInode(inode)), golden.replaceAll(" ", ""));
    const directory = `ded1 02 02 ed010000 e8030000 64000000 02000000 01000000 ${"00".repeat(72)}`;
    assert.equal(hex(encodeInode(DIRECTORY)), directory.replaceAll(" ", ""));
    const symlink = hex(encodeInode({ ...DIRECTORY, type: "symlink" }));
    assert.equal(symlink, directory.replaceAll(" ", "").replace("ded10202", "ded10203"));
  });

  test("what is encoded is decoded", () => {
    fc.assert(fc.property(anyInode, (inode) => assert.deepEqual(decodeInode(encodeInode(inode)), inode)));
  });

  test("damaged records give a typed error, or a record that encodes to what was read", () => {
    const changes = fc.array(fc.record({ at: fc.nat(150), byte: fc.nat(255) }), { maxLength: 3 });
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
    const bytes = Buffer.from(encodeInode(DIRECTORY));
    bytes[2] = 7;
    assert.throws(() => decodeInode(bytes), { code: "ERR_VERSION", message: /version 7.*knows 2/ });
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
    assert.equal(hex(linkKey(5)), "6c0000000000000005");
    assert.equal(hex(entryKey(1, "a\udcff")), "65000000000000000161ff", "a name of bytes that are no UTF-8");
  });

  test("what went in comes out", () => {
    for (const name of ["größe", "a\udcff\udc80"]) assert.equal(entryName(entryKey(77, name)), name);
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
