import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, toKindOf, toNumber, toWordValue, wordNumber } from "../../src/client/operands.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { WORDS } from "../../src/structs/words.ts";

const refused = (error: unknown) => isDidafsError(error, "ERR_INVALID_ARGUMENT");

describe("operands", () => {
  it("makes the same word of numbers and bigints", () => {
    for (const word of ["i64", "u64"] as const) {
      assert.equal(toWordValue(wordNumber(word), 5), 5n);
      assert.equal(toWordValue(wordNumber(word), 5n), 5n);
    }
    assert.equal(toWordValue(wordNumber("i32"), -5n), -5);
    assert.equal(toWordValue(wordNumber("f64"), 0.5), 0.5);
  });

  it("makes the bigint of any safe integer", () => {
    const edges = [0, 2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER - 1];
    for (const edge of edges.flatMap((value) => [value - 1, value, value + 1])) {
      for (const value of [edge, -edge]) assert.equal(toWordValue(wordNumber("i64"), value), BigInt(value));
    }
  });

  it("refuses what the word cannot hold", () => {
    assert.throws(() => toWordValue(wordNumber("i64"), 0.5), refused);
    assert.throws(() => toWordValue(wordNumber("i64"), 2 ** 53), refused);
    assert.throws(() => toWordValue(wordNumber("u64"), 2n ** 64n), refused);
    assert.throws(() => toWordValue(wordNumber("i64"), -(2n ** 63n) - 1n), refused);
    assert.throws(() => toWordValue(wordNumber("i32"), 2 ** 32), refused);
    assert.throws(() => toWordValue(wordNumber("u32"), 1.5), refused);
    assert.throws(() => toWordValue(wordNumber("f64"), 1n), refused);
    assert.throws(() => wordNumber("i128" as never), refused);
    assert.deepEqual(WORDS.map(wordNumber), [...WORDS.keys()]);
  });

  it("gives results as the operand's kind, and the exact value where a number will not do", () => {
    const [i64, u64] = [wordNumber("i64"), wordNumber("u64")];
    assert.equal(toKindOf(wordNumber("i32"), 1n, 7), 7n);
    assert.equal(toKindOf(i64, 1, 7n), 7);
    const exact = (error: unknown) =>
      isDidafsError(error, "ERR_UNSAFE_INTEGER") && error.value === -(2n ** 53n) && error.applied === "yes";
    assert.throws(() => toNumber(i64, -(2n ** 53n)), exact);
    assert.equal(toNumber(i64, -(2n ** 53n) + 1n), Number.MIN_SAFE_INTEGER);
    assert.equal(toNumber(u64, 2n ** 53n - 1n), Number.MAX_SAFE_INTEGER);
    assert.throws(
      () => toNumber(u64, 2n ** 64n - 1n),
      (error: unknown) => isDidafsError(error, "ERR_UNSAFE_INTEGER") && error.value === 2n ** 64n - 1n,
    );
  });

  it("takes the bytes of any view, and nothing else for bytes", () => {
    const whole = new Uint8Array([1, 2, 3, 4]);
    assert.deepEqual([...bytesOf(new DataView(whole.buffer, 1, 2))], [2, 3]);
    for (const other of ["text", whole.buffer, [1, 2], 7, null, undefined]) {
      assert.throws(() => bytesOf(other as never), refused);
    }
  });
});
