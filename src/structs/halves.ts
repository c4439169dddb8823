/**
 * The operations of words.ts, and plain copies of at most 8 bytes, with their operands in two 32-bit words each (low
 * half first), as they lie in the headers of the wire.
 */
import { fetchOp32, fetchOp64, fetchOpFloatBits, type WordMemory } from "./words.ts";

const I32 = 2;
const U32 = 3;
const F64 = 4;

const scratch = new ArrayBuffer(8);
const halves = new Int32Array(scratch);
const bits = new BigInt64Array(scratch);

/**
 * Applies `op` with an operand that lies in two 32-bit words, as in a command's header (low half first).
 * Writes the value before into two others: i32 with its sign extended, u32 and f64 as they are.
 */
export function fetchOpHalves(
  memory: WordMemory,
  at: number,
  op: number,
  word: number,
  operands: Int32Array,
  operandAt: number,
  into: Int32Array,
  intoAt: number,
): void {
  if (word === I32 || word === U32) {
    putNumber(into, intoAt, word, fetchOp32(memory, at, op, word, operands[operandAt] as number));
    return;
  }
  const operand = takeHalves(operands, operandAt);
  const before =
    word === F64 ? fetchOpFloatBits(memory, at, op, operand) : fetchOp64(memory, at, op, word, operand);
  putHalves(into, intoAt, before);
}

/** compareAndSwap with expected and desired value in two 32-bit words each; f64 compares bits. */
export function compareAndSwapHalves(
  memory: WordMemory,
  at: number,
  word: number,
  operands: Int32Array,
  expectedAt: number,
  desiredAt: number,
  into: Int32Array,
  intoAt: number,
): void {
  if (word === I32 || word === U32) {
    const expected = operands[expectedAt] as number;
    const desired = operands[desiredAt] as number;
    putNumber(into, intoAt, word, Atomics.compareExchange(memory.i32, at / 4, expected, desired));
    return;
  }
  const expected = takeHalves(operands, expectedAt);
  const desired = takeHalves(operands, desiredAt);
  putHalves(into, intoAt, Atomics.compareExchange(memory.i64, at / 8, expected, desired));
}

const fenceWord = new Int32Array(1);

/**
 * Orders what comes before against what comes after. Beside it the plain access of an aligned 8-byte word does what an
 * atomic one would: the engine makes it in one instruction on 64-bit machines, where nothing tears (shared-words tests).
 * An atomic one allocates a bigint each time, and takes twice as long.
 */
function fence(): void {
  Atomics.or(fenceWord, 0, 0);
}

function takeHalves(from: Int32Array, at: number): bigint {
  halves[0] = from[at] as number;
  halves[1] = from[at + 1] as number;
  return bits[0] as bigint;
}

function putHalves(into: Int32Array, at: number, value: bigint): void {
  bits[0] = value;
  into[at] = halves[0] as number;
  into[at + 1] = halves[1] as number;
}

function putNumber(into: Int32Array, at: number, word: number, value: number): void {
  into[at] = value;
  into[at + 1] = word === I32 && (value | 0) < 0 ? -1 : 0;
}

/**
 * Copies `length` (1 to 8) bytes at `at` into two 32-bit words, zero-extended. By one access where the length is a
 * power of two and `at` is aligned to it, so that it never sees half of such a store; else byte by byte.
 */
export function loadSmall(
  memory: WordMemory,
  at: number,
  length: number,
  into: Int32Array,
  intoAt: number,
): void {
  if (length === 8 && at % 8 === 0) {
    bits[0] = memory.i64[at / 8] as bigint;
    into[intoAt] = halves[0] as number;
    into[intoAt + 1] = halves[1] as number;
    fence();
    return;
  }
  let low = 0;
  let high = 0;
  if (length === 4 && at % 4 === 0) {
    low = Atomics.load(memory.i32, at / 4);
  } else if (length === 2 && at % 2 === 0) {
    low = (Atomics.load(memory.i32, (at - (at % 4)) / 4) >>> ((at % 4) * 8)) & 0xffff;
  } else {
    for (let i = 0; i < length; i += 1) {
      const byte = memory.u8[at + i] as number;
      if (i < 4) low |= byte << (i * 8);
      else high |= byte << ((i - 4) * 8);
    }
  }
  into[intoAt] = low;
  into[intoAt + 1] = high;
}

/** Copies the first `length` (1 to 8) bytes of two 32-bit words to `at`; one access where loadSmall makes one. */
export function storeSmall(
  memory: WordMemory,
  at: number,
  length: number,
  from: Int32Array,
  fromAt: number,
): void {
  if (length === 8 && at % 8 === 0) {
    halves[0] = from[fromAt] as number;
    halves[1] = from[fromAt + 1] as number;
    fence();
    memory.i64[at / 8] = bits[0] as bigint;
  } else if (length === 4 && at % 4 === 0) {
    Atomics.store(memory.i32, at / 4, from[fromAt] as number);
  } else if (length === 2 && at % 2 === 0) {
    storePair(memory, at, (from[fromAt] as number) & 0xffff);
  } else {
    for (let i = 0; i < length; i += 1) {
      memory.u8[at + i] = (from[fromAt + (i >> 2)] as number) >>> ((i & 3) * 8);
    }
  }
}

/** There is no 16-bit view: two bytes are replaced inside their 32-bit word, unless the other two changed meanwhile. */
function storePair(memory: WordMemory, at: number, pair: number): void {
  const index = (at - (at % 4)) / 4;
  const shift = (at % 4) * 8;
  let before = Atomics.load(memory.i32, index);
  for (;;) {
    const seen = Atomics.compareExchange(
      memory.i32,
      index,
      before,
      (before & ~(0xffff << shift)) | (pair << shift),
    );
    if (seen === before) return;
    before = seen;
  }
}
