/** What atomic operations do to one word, on bits; independent of src/structs/words.ts. */
import { WORD_SIZES } from "../wire/frame.ts";

const I64 = 0;
const I32 = 2;
const F64 = 4;

const ADD = 0;
const MIN = 1;
const MAX = 2;
const AND = 3;
const OR = 4;
const XOR = 5;

const scratch = new DataView(new ArrayBuffer(8));

function floatOf(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

function bitsOf(float: number): bigint {
  scratch.setFloat64(0, float);
  return scratch.getBigUint64(0);
}

/** @returns the bits afterwards; undefined where they are a NaN's, which may be any */
export function applied(op: number, word: number, before: bigint, operand: bigint): bigint | undefined {
  const bits = (WORD_SIZES[word] as number) * 8;
  const own = BigInt.asUintN(bits, operand);
  if (op === AND) return before & own;
  if (op === OR) return before | own;
  if (op === XOR) return before ^ own;
  if (op > XOR) return own;
  if (word === F64) return appliedToFloat(op, before, own);
  if (op === ADD) return BigInt.asUintN(bits, before + own);
  const signed = word === I64 || word === I32;
  const left = signed ? BigInt.asIntN(bits, before) : before;
  const right = signed ? BigInt.asIntN(bits, own) : own;
  return (op === MIN ? right < left : right > left) ? own : before;
}

function appliedToFloat(op: number, before: bigint, operand: bigint): bigint | undefined {
  const left = floatOf(before);
  const right = floatOf(operand);
  if (op === ADD) return Number.isNaN(left + right) ? undefined : bitsOf(left + right);
  if (Number.isNaN(left)) return before;
  if (Number.isNaN(right)) return operand;
  if (left === right) {
    // -0 lies below 0.
    const leftWins = op === MAX ? !Object.is(left, -0) : Object.is(left, -0);
    return leftWins ? before : operand;
  }
  return (op === MIN) === left < right ? before : operand;
}

/** A word's bits as the answer's 64-bit value has them. */
export function answered(word: number, bits: bigint): bigint {
  if (word === I32) return BigInt.asUintN(64, BigInt.asIntN(32, bits));
  return bits;
}
