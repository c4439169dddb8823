import { DidafsError } from "../std/errors.ts";
import { OPS, type Op, WORD_BYTES, WORDS, type Word } from "../structs/words.ts";
import type { WordValue } from "../transport/access.ts";
import { bigintOf, numberOfBits } from "../transport/word-value.ts";
import type { Bytes } from "./api.ts";

/** What accesses to words give where they are given such a value: numbers for numbers. */
export type Number64<V> = V extends bigint ? bigint : number;
/** What accumulate takes. */
export type Elements = Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float64Array;

const OP_NUMBERS = new Map<string, number>(OPS.map((name, number) => [name, number]));
const I64 = 0;
const U64 = 1;
const I32 = 2;
const U32 = 3;
const F64 = 4;

/** The number of a word type. @throws ERR_INVALID_ARGUMENT */
export function wordNumber(word: Word): number {
  // Each access asks: comparing with names that stand here costs a tenth of looking them up.
  switch (word) {
    case "i64":
      return I64;
    case "u64":
      return U64;
    case "i32":
      return I32;
    case "u32":
      return U32;
    case "f64":
      return F64;
    default:
      return unknownName("word type", word, WORDS);
  }
}

/** The number of an operator. @throws ERR_INVALID_ARGUMENT */
export function opNumber(op: Op): number {
  return OP_NUMBERS.get(op) ?? unknownName("operator", op, OPS);
}

function unknownName(what: string, name: unknown, known: readonly string[]): never {
  throw new DidafsError("ERR_INVALID_ARGUMENT", `no ${what} ${String(name)}; there are ${known.join(", ")}`);
}

export function wordBytes(word: number): number {
  return WORD_BYTES[word] as number;
}

/**
 * A caller's number or bigint as the value of a word. Integers that the word cannot hold are refused, except that an
 * unsigned word takes negative ones and a signed one takes the upper half of the unsigned range, as the same bits.
 * @throws ERR_INVALID_ARGUMENT
 */
export function toWordValue(word: number, value: number | bigint): WordValue {
  if (word === I64 || word === U64) return to64Bits(word, value);
  if (word === F64) {
    if (typeof value !== "number") throw unfit(word, value);
    return value;
  }
  return to32Bits(word, value);
}

function to64Bits(word: number, value: number | bigint): bigint {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw unfit(word, value);
    return bigintOf(value);
  }
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw unfit(word, value);
  return value;
}

function to32Bits(word: number, value: number | bigint): number {
  if (value < -(2 ** 31) || value >= 2 ** 32) throw unfit(word, value);
  const number = Number(value);
  if (!Number.isInteger(number)) throw unfit(word, value);
  return number;
}

function unfit(word: number, value: number | bigint): DidafsError {
  const name = WORDS[word] as Word;
  const what = typeof value === "bigint" ? `${value}n` : `${value}`;
  return new DidafsError("ERR_INVALID_ARGUMENT", `${what} is no value of an ${name} word`);
}

/** @throws ERR_UNSAFE_INTEGER with the exact `value`, the operation applied */
export function toNumber(word: number, value: WordValue): number {
  return typeof value === "bigint" ? numberOfBits(word, value) : value;
}

/** The value as the kind that `like` is of. @throws ERR_UNSAFE_INTEGER */
export function toKindOf<V extends number | bigint>(
  word: number,
  like: V,
  value: WordValue,
): V extends bigint ? bigint : number {
  return (typeof like === "bigint" ? BigInt(value) : toNumber(word, value)) as V extends bigint
    ? bigint
    : number;
}

/** The bytes behind any view, without a copy. @throws ERR_INVALID_ARGUMENT where they are gone, or it is none */
export function bytesOf(view: Bytes): Uint8Array {
  // Views of windows are detached when those end: to move none of their bytes and report success would be a lie.
  if (view?.byteLength === 0 && view.buffer instanceof ArrayBuffer && view.buffer.detached) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      "the buffer is detached: its window was closed, or it was transferred",
    );
  }
  if (view instanceof Uint8Array) return view;
  // Types are gone in JavaScript: a string or an ArrayBuffer would be taken for no bytes, and report success.
  if (!ArrayBuffer.isView(view)) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", "bytes are a typed array, a DataView or a Buffer");
  }
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The number of the word type that the elements of `array` are. @throws ERR_INVALID_ARGUMENT */
export function elementWord(array: Bytes): number {
  if (array instanceof BigInt64Array) return I64;
  if (array instanceof BigUint64Array) return U64;
  if (array instanceof Int32Array) return wordNumber("i32");
  if (array instanceof Uint32Array) return wordNumber("u32");
  if (array instanceof Float64Array) return F64;
  throw new DidafsError(
    "ERR_INVALID_ARGUMENT",
    "accumulate takes an Int32Array, Uint32Array, BigInt64Array, BigUint64Array or Float64Array",
  );
}
