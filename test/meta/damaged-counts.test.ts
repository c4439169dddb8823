import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCount, encodeCount } from "../../src/meta/count-record.ts";
import {
  orphanInode,
  orphanKey,
  removalKey,
  removalRegion,
  trashInode,
  trashKey,
} from "../../src/meta/keys.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

test("golden bytes of a count", () => {
  assert.equal(Buffer.from(encodeCount(0x0102_0304_0506)).toString("hex"), "0605040302010000");
  assert.equal(decodeCount(encodeCount(2 ** 53 - 1), "it"), 2 ** 53 - 1);
});

test("counts of another length, or larger than a number holds, are damaged", () => {
  for (const hex of ["", "01", "00".repeat(7), "00".repeat(9), "ff".repeat(8), "0000000000002000"]) {
    assert.throws(() => decodeCount(Buffer.from(hex, "hex"), "it"), isCorrupt, hex);
  }
});

test("so are keys that are too short, or name what no inode can be", () => {
  const id = "0a".repeat(16);
  for (const [read, key] of [
    [orphanInode, orphanKey(7)],
    [trashInode, trashKey(7)],
    [removalRegion, removalKey(id, 7, 1)],
  ] as const) {
    read(key);
    const beyond = Buffer.from(key);
    // Where the inode's first byte is, in all three: behind the letter, and behind the target's identity.
    beyond[read === removalRegion ? 17 : 1] = 0xff;
    assert.throws(() => read(beyond), isCorrupt);
    assert.throws(() => read(key.subarray(0, key.byteLength - 1)), isCorrupt);
  }
});
