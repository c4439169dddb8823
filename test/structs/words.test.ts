import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareAndSwapHalves, fetchOpHalves, loadSmall, storeSmall } from "../../src/structs/halves.ts";
import {
  compareAndSwap32,
  compareAndSwap64,
  compareAndSwapF64,
  fetchOp32,
  fetchOp64,
  fetchOpF64,
  OPS,
  type Op,
  WORD_BYTES,
  WORDS,
  type Word,
  type WordMemory,
} from "../../src/structs/words.ts";

function memoryOf(byteLength: number): WordMemory {
  const buffer = new ArrayBuffer(byteLength);
  return {
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    i64: new BigInt64Array(buffer),
    u64: new BigUint64Array(buffer),
  };
}

const number = (op: Op): number => OPS.indexOf(op);
const word = (name: Word): number => WORDS.indexOf(name);

/** Two's complement in `bitCount` bits, signed or not. */
function wrap(name: Word, value: bigint): bigint {
  const bitCount = (WORD_BYTES[word(name)] as number) * 8;
  return name.startsWith("u") ? BigInt.asUintN(bitCount, value) : BigInt.asIntN(bitCount, value);
}

function expectedInteger(name: Word, op: Op, before: bigint, operand: bigint): bigint {
  const right = wrap(name, operand);
  switch (op) {
    case "add":
      return wrap(name, before + right);
    case "min":
      return right < before ? right : before;
    case "max":
      return right > before ? right : before;
    case "and":
      return wrap(name, before & right);
    case "or":
      return wrap(name, before | right);
    case "xor":
      return wrap(name, before ^ right);
    case "replace":
      return right;
  }
}

const interesting = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 31n, -(2n ** 31n), 2n ** 32n - 1n),
);

for (const name of ["i64", "u64"] as const) {
  for (const op of OPS) {
    test(`${op} on ${name} equals arithmetic on integers and leaves the neighbours alone`, () => {
      fc.assert(
        fc.property(interesting, interesting, (start, operand) => {
          const memory = memoryOf(24);
          memory.u8.fill(0xa5);
          memory.i64[1] = start;
          const before = fetchOp64(memory, 8, number(op), word(name), operand);
          assert.equal(before, wrap(name, start));
          const after = (name === "u64" ? memory.u64 : memory.i64)[1];
          assert.equal(after, expectedInteger(name, op, before, operand));
          assert.equal(memory.u64[0], 0xa5a5a5a5a5a5a5a5n);
          assert.equal(memory.u64[2], 0xa5a5a5a5a5a5a5a5n);
        }),
      );
    });
  }
}

for (const name of ["i32", "u32"] as const) {
  for (const op of OPS) {
    test(`${op} on ${name} equals arithmetic on integers and leaves the neighbours alone`, () => {
      fc.assert(
        fc.property(interesting, fc.integer(), (start, operand) => {
          const memory = memoryOf(16);
          memory.u8.fill(0xa5);
          memory.i32[1] = Number(BigInt.asIntN(32, start));
          const before = fetchOp32(memory, 4, number(op), word(name), operand);
          assert.equal(BigInt(before), wrap(name, start));
          const after = (name === "u32" ? memory.u32 : memory.i32)[1] as number;
          assert.equal(BigInt(after), expectedInteger(name, op, BigInt(before), BigInt(operand)));
          assert.equal(memory.u32[0], 0xa5a5a5a5);
          assert.equal(memory.u32[2], 0xa5a5a5a5);
        }),
      );
    });
  }
}

const asBits = (value: number): bigint => new BigInt64Array(new Float64Array([value]).buffer)[0] as bigint;

test("add, min, max and replace on f64 equal arithmetic on numbers, to the sign of zero", () => {
  const expected: Partial<Record<Op, (a: number, b: number) => number>> = {
    add: (a, b) => a + b,
    min: (a, b) => Math.min(a, b),
    max: (a, b) => Math.max(a, b),
    replace: (_, b) => b,
  };
  for (const [op, arithmetic] of Object.entries(expected)) {
    fc.assert(
      fc.property(fc.double(), fc.double(), (start, operand) => {
        const memory = memoryOf(16);
        memory.i64[1] = asBits(start);
        const before = fetchOpF64(memory, 8, number(op as Op), operand);
        assert.ok(Object.is(before, start));
        const after = new Float64Array(memory.i64.buffer)[1];
        assert.ok(Object.is(after, arithmetic(start, operand)), `${op} ${start} ${operand}: ${after}`);
      }),
    );
  }
});

test("and, or and xor on f64 act on its bits", () => {
  fc.assert(
    fc.property(interesting, interesting, fc.constantFrom<Op>("and", "or", "xor"), (start, operand, op) => {
      const memory = memoryOf(8);
      memory.i64[0] = start;
      const operands = new Int32Array(new BigInt64Array([operand]).buffer);
      const into = new Int32Array(2);
      fetchOpHalves(memory, 0, number(op), word("f64"), operands, 0, into, 0);
      assert.equal(memory.i64[0], expectedInteger("i64", op, start, operand));
      assert.equal(new BigInt64Array(into.buffer)[0], start);
    }),
  );
});

test("no NaN payload is disturbed by an operation that leaves the word or replaces it", () => {
  const payload = 0x7ff4_0000_dead_beefn; // a signalling NaN
  const other = -0x0007_ffff_ffff_fff1n; // a negative NaN
  for (const op of ["min", "max", "replace"] as const) {
    const memory = memoryOf(8);
    memory.i64[0] = payload;
    const operands = new Int32Array(new BigInt64Array([op === "replace" ? other : 7n]).buffer);
    const into = new Int32Array(2);
    fetchOpHalves(memory, 0, number(op), word("f64"), operands, 0, into, 0);
    assert.equal(new BigInt64Array(into.buffer)[0], payload, "the value before, bit for bit");
    assert.equal(memory.i64[0], op === "replace" ? other : payload);
  }
});

test("compareAndSwap swaps only the expected value; f64 compares bits", () => {
  const memory = memoryOf(16);
  assert.equal(compareAndSwap64(memory, 8, word("i64"), 0n, -5n), 0n);
  assert.equal(compareAndSwap64(memory, 8, word("u64"), 0n, 1n), 2n ** 64n - 5n);
  assert.equal(compareAndSwap64(memory, 8, word("u64"), 2n ** 64n - 5n, 1n), 2n ** 64n - 5n);
  assert.equal(memory.i64[1], 1n);
  assert.equal(compareAndSwap32(memory, 4, word("i32"), 0, -1), 0);
  assert.equal(compareAndSwap32(memory, 4, word("u32"), 7, 9), 2 ** 32 - 1);
  assert.equal(compareAndSwapF64(memory, 0, 1, 2), new Float64Array(memory.i64.buffer)[0]);
  memory.i64[0] = asBits(-0);
  assert.ok(Object.is(compareAndSwapF64(memory, 0, 0, 2), -0));
  assert.equal(memory.i64[0], asBits(-0), "0 does not match -0");
  assert.ok(Object.is(compareAndSwapF64(memory, 0, -0, 2.5), -0));
  assert.equal(memory.i64[0], asBits(2.5));
});

test("halves carry every word's value: i32 sign-extended, u32 zero-extended", () => {
  for (const name of WORDS) {
    const memory = memoryOf(8);
    memory.u8.fill(0xff);
    const operands = new Int32Array([-1, -1, 5, 0]);
    const into = new Int32Array([77, 77]);
    compareAndSwapHalves(memory, 0, word(name), operands, 0, 2, into, 0);
    assert.deepEqual([...into], name === "u32" ? [-1, 0] : [-1, -1]);
    assert.equal(memory.i32[0], 5);
    assert.equal(memory.i32[1], (WORD_BYTES[word(name)] as number) === 8 ? 0 : -1);
    fetchOpHalves(memory, 0, number("add"), word(name), new Int32Array([0, 0]), 0, into, 0);
    assert.equal(into[0], 5);
  }
});

test("small loads and stores copy exactly their bytes, at every offset and length", () => {
  for (let length = 1; length <= 8; length += 1) {
    for (let at = 0; at + length <= 24; at += 1) {
      const memory = memoryOf(24);
      memory.u8.set(Array.from({ length: 24 }, (_, i) => i + 128));
      const into = new Int32Array([-1, -1, -1]);
      loadSmall(memory, at, length, into, 1);
      assert.deepEqual([...new Uint8Array(into.buffer, 4, length)], [...memory.u8.subarray(at, at + length)]);
      assert.ok(new Uint8Array(into.buffer, 4).subarray(length).every((byte) => byte === 0));
      const model = memory.u8.slice();
      const from = new Int32Array([0x04030201, 0x08070605]);
      model.set(new Uint8Array(from.buffer, 0, length), at);
      storeSmall(memory, at, length, from, 0);
      assert.deepEqual(memory.u8, model);
    }
  }
});
