import { DidafsError } from "../std/errors.ts";
import type { WordValue } from "./access.ts";
import type { Transfer } from "./transfer.ts";

// Number of a word type in structs/words.ts.
const I64 = 0;
const U64 = 1;
const U32 = 3;
const F64 = 4;

const scratch = new ArrayBuffer(8);
const halves = new Int32Array(scratch);
const signed = new BigInt64Array(scratch);
const unsigned = new BigUint64Array(scratch);
const floats = new Float64Array(scratch);

/** The value that two 32-bit words (low half first) stand for. */
export function wordValue(word: number, low: number, high: number): WordValue {
  if (word === U32) return low >>> 0;
  if (word !== I64 && word !== U64 && word !== F64) return low;
  halves[0] = low;
  halves[1] = high;
  if (word === F64) return floats[0] as number;
  return (word === U64 ? unsigned[0] : signed[0]) as bigint;
}

/**
 * The same as a number. No bigint comes into being on the way, which would cost more than reading the word.
 * @throws ERR_UNSAFE_INTEGER
 */
export function wordNumberValue(word: number, low: number, high: number): number {
  if (word === I64 || word === U64) return number64(word, low, high);
  return wordValue(word, low, high) as number;
}

/** The same from the bits of a 64-bit word. */
export function numberOfBits(word: number, bits: bigint): number {
  signed[0] = bits;
  return number64(word, halves[0] as number, halves[1] as number);
}

function number64(word: number, low: number, high: number): number {
  const number = (word === I64 ? high : high >>> 0) * 2 ** 32 + (low >>> 0);
  if (!Number.isSafeInteger(number)) throw unsafeInteger(wordValue(word, low, high) as bigint);
  return number;
}

/** A safe integer as a bigint. `BigInt` leaves compiled code, which takes longer than all the rest of a store. */
export function bigintOf(value: number): bigint {
  halves[0] = value;
  halves[1] = Math.floor(value / 2 ** 32);
  return signed[0] as bigint;
}

/** What a 64-bit result past 2^53 is answered with; the operation that gave it was applied. */
function unsafeInteger(value: bigint): DidafsError {
  return new DidafsError("ERR_UNSAFE_INTEGER", `${value} does not fit a number; ask with a bigint operand`, {
    applied: "yes",
    value,
  });
}

/** Sets the operand of `transfer` to `value`. */
export function setOperand(transfer: Transfer, word: number, value: WordValue): void {
  split(word, value);
  transfer.operandLow = halves[0] as number;
  transfer.operandHigh = halves[1] as number;
}

/** Sets the value that `transfer` compares with. */
export function setCompare(transfer: Transfer, word: number, value: WordValue): void {
  split(word, value);
  transfer.compareLow = halves[0] as number;
  transfer.compareHigh = halves[1] as number;
}

function split(word: number, value: WordValue): void {
  if (word === F64) {
    floats[0] = value as number;
  } else if (word === I64 || word === U64) {
    signed[0] = value as bigint;
  } else {
    halves[0] = value as number;
    halves[1] = 0;
  }
}
