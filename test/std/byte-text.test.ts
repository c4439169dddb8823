import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bytesToText, textToBytes } from "../../src/std/byte-text.ts";

/** Bytes that are likely to be nearly UTF-8: pieces of characters, whole ones, and anything. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: "binary", maxLength: 3 }).map((text) => Uint8Array.from(Buffer.from(text))),
      fc
        .record({ text: fc.string({ unit: "binary", minLength: 1, maxLength: 2 }), length: fc.nat(7) })
        .map(({ text, length }) => Uint8Array.from(Buffer.from(text).subarray(0, length))),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

describe("bytes as text", () => {
  test("every run of bytes comes back from its text", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        assert.deepEqual(Buffer.from(textToBytes(bytesToText(bytes)) ?? []), bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test("every two bytes in a row, and every first byte of a longer character", () => {
    for (let first = 0; first < 256; first += 1) {
      for (let second = 0; second < 256; second += 1) {
        for (const rest of [[], [0x80], [0x80, 0x80], [0x80, 0x41], [0xbf, 0xbf]]) {
          const bytes = Buffer.of(first, second, ...rest);
          assert.deepEqual(Buffer.from(textToBytes(bytesToText(bytes)) ?? []), bytes, bytes.toString("hex"));
        }
      }
    }
  });

  test("valid UTF-8 is what a text decoder makes of it, a byte order mark included", () => {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const bytes = Buffer.from(text);
        assert.equal(bytesToText(bytes), decoder.decode(bytes));
      }),
    );
    for (const text of ["", "a/b", "größe", "\ufffd", "x\ufffdy", "\ufeffname", "😀", "\u{10ffff}"]) {
      assert.equal(bytesToText(Buffer.from(text)), text);
      assert.deepEqual(textToBytes(text), Buffer.from(text));
    }
  });

  test("bytes that are none are the surrogates that PEP 383 names", () => {
    const cases: [number[], string][] = [
      [[0xff], "\udcff"],
      [[0x80, 0x41], "\udc80A"],
      [[0xc3], "\udcc3"],
      [[0xc0, 0xaf], "\udcc0\udcaf"], // An overlong slash
      [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"], // An encoded surrogate
      [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"], // Above U+10FFFF
      [[0xe2, 0x82, 0x41], "\udce2\udc82A"], // Cut short
      [[0xf0, 0x9f, 0x98, 0x80, 0xff], "😀\udcff"],
      [[0xef, 0xbf, 0xbd, 0xff], "\ufffd\udcff"],
    ];
    for (const [bytes, text] of cases) {
      assert.equal(bytesToText(Uint8Array.from(bytes)), text);
      assert.deepEqual([...(textToBytes(text) ?? [])], bytes);
    }
  });

  test("a lone surrogate that stands for no byte has no bytes", () => {
    for (const text of ["\ud800", "a\udbffb", "\udc00", "\udc7f", "\udd00", "\udfff", "\udcff\ud800"]) {
      assert.equal(textToBytes(text), undefined, JSON.stringify(text));
    }
    assert.deepEqual([...(textToBytes("\ud800\udc80") ?? [])], [0xf0, 0x90, 0x82, 0x80], "that is a pair");
  });

  test("text that travelled as JSON is the same", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = bytesToText(bytes);
        assert.equal(JSON.parse(Buffer.from(JSON.stringify(text)).toString()), text);
      }),
    );
  });
});
