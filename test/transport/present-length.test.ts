import assert from "node:assert/strict";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { countResize, encodeRegionHeader, REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { PresentLength } from "../../src/transport/present-length.ts";

const MAPPED = 10_000;

/** A header page as a target writes it, and what an origin makes of it. */
function mapped(byteLength: number) {
  const words = new Int32Array(REGION_HEADER_BYTES / 4);
  const page = new Uint8Array(words.buffer);
  let sequence = 0;
  const write = (length: number): void => {
    encodeRegionHeader(page, { inode: 1, index: 0, byteLength: length, written: true, sequence });
    sequence += 1;
  };
  write(byteLength);
  return {
    page,
    words,
    length: new PresentLength(words, MAPPED),
    resize(to: number): void {
      write(to);
      countResize(words);
    },
    write,
  };
}

const isCode = (code: "ERR_RANGE" | "ERR_CORRUPT") => (error: unknown) => isDidafsError(error, code);

test("all of the mapping is in reach while the region has that much, and one look tells", () => {
  for (const byteLength of [MAPPED, MAPPED + 1, Number.MAX_SAFE_INTEGER]) {
    const { length, resize } = mapped(byteLength);
    length.check(0, MAPPED);
    assert.ok(length.isWhole);
    assert.throws(() => length.check(1, MAPPED), isCode("ERR_RANGE"), "never more than is mapped");
    resize(MAPPED + 7);
    assert.ok(!length.isWhole);
    length.check(MAPPED - 1, 1);
    assert.ok(length.isWhole);
  }
});

test("what is cut is out of reach until it is back", () => {
  const { length, resize, write } = mapped(MAPPED);
  length.check(0, MAPPED);
  resize(4000);
  assert.ok(!length.isWhole);
  length.check(0, 4000);
  assert.throws(() => length.check(3999, 2), isCode("ERR_RANGE"));
  assert.throws(() => length.check(9000, 0), isCode("ERR_RANGE"));
  assert.ok(!length.isWhole, "every access looks closer");
  write(4000);
  length.check(0, 4000);
  resize(MAPPED);
  length.check(MAPPED, 0);
  assert.ok(length.isWhole);
  const short = mapped(10);
  assert.ok(!short.length.isWhole, "it may have been cut before it was mapped");
  assert.throws(() => short.length.check(8, 8), isCode("ERR_RANGE"));
});

test("a header that makes no sense is an error, and no way out of the mapping", () => {
  const { length, page, words } = mapped(MAPPED);
  length.check(0, MAPPED);
  const before = page.slice();
  page.fill(0xff);
  assert.ok(!length.isWhole);
  assert.throws(() => length.check(0, 1), isCode("ERR_CORRUPT"));
  page.set(before);
  countResize(words);
  length.check(0, MAPPED);
});
