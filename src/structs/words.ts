/**
 * Atomic application of operations to words of memory that others map and change at the same time. The direct path of
 * an origin and the target's workers use these same functions, so that both kinds of access meet on the same words.
 *
 * `at` is a byte offset, aligned to the word; callers check range and alignment. and, or and xor act on the bits of
 * an f64 as they do on a u64. min and max of f64 are Math.min and Math.max (NaN wins, -0 lies below 0), but a word
 * that stays is left bit for bit as it was, NaN payloads included.
 */

/** Word types by their number in a command's flags. Numbers are never reused. */
export const WORDS = ["i64", "u64", "i32", "u32", "f64"] as const;
export type Word = (typeof WORDS)[number];

/** Operators by their number in a command's flags. Numbers are never reused. */
export const OPS = ["add", "min", "max", "and", "or", "xor", "replace"] as const;
export type Op = (typeof OPS)[number];

/** Bytes of a word, by its number in WORDS. */
export const WORD_BYTES: readonly number[] = [8, 8, 4, 4, 8];

const I64 = 0;
const U64 = 1;
const U32 = 3;
const F64 = 4;

const ADD = 0;
const MIN = 1;
const MAX = 2;
const AND = 3;
const OR = 4;
const XOR = 5;

/** Every view over the same bytes; ports/memory.ts's Memory is one. */
export interface WordMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

// Moves bits between bigints and floats without allocating. One a thread: isolates share no module state.
const scratch = new ArrayBuffer(16);
const bits = new BigInt64Array(scratch);
const floats = new Float64Array(scratch);

/** Applies `op` to a word of any type; `operand` is as its values are. @returns the value before */
export function fetchOp(
  memory: WordMemory,
  at: number,
  op: number,
  word: number,
  operand: number | bigint,
): number | bigint {
  if (word === I64 || word === U64) return fetchOp64(memory, at, op, word, operand as bigint);
  if (word === F64) return fetchOpF64(memory, at, op, operand as number);
  return fetchOp32(memory, at, op, word, operand as number);
}

/** Applies `op` to an i64 or u64 word. @returns the value before */
export function fetchOp64(memory: WordMemory, at: number, op: number, word: number, operand: bigint): bigint {
  // The engine inlines so many instructions into a caller and no more, so what is asked for most stands alone.
  if (op === ADD) return Atomics.add(word === U64 ? memory.u64 : memory.i64, at / 8, operand);
  return otherOp64(memory, at, op, word, operand);
}

function otherOp64(memory: WordMemory, at: number, op: number, word: number, operand: bigint): bigint {
  const index = at / 8;
  const words = word === U64 ? memory.u64 : memory.i64;
  switch (op) {
    case MIN:
    case MAX:
      return extreme64(
        words,
        index,
        op,
        word === U64 ? BigInt.asUintN(64, operand) : BigInt.asIntN(64, operand),
      );
    case AND:
      return Atomics.and(words, index, operand);
    case OR:
      return Atomics.or(words, index, operand);
    case XOR:
      return Atomics.xor(words, index, operand);
    default:
      return Atomics.exchange(words, index, operand);
  }
}

function extreme64(
  words: BigInt64Array | BigUint64Array,
  index: number,
  op: number,
  operand: bigint,
): bigint {
  let before = Atomics.load(words, index);
  while (op === MIN ? operand < before : operand > before) {
    const seen = Atomics.compareExchange(words, index, before, operand);
    if (seen === before) return before;
    before = seen;
  }
  return before;
}

/** Applies `op` to an i32 or u32 word. @returns the value before */
export function fetchOp32(memory: WordMemory, at: number, op: number, word: number, operand: number): number {
  // But for min and max all do the same to the bits, so one kind of array serves both: a site that sees two is slower.
  const before =
    op === ADD ? Atomics.add(memory.i32, at / 4, operand) : otherOp32(memory, at, op, word, operand);
  return word === U32 ? before >>> 0 : before;
}

function otherOp32(memory: WordMemory, at: number, op: number, word: number, operand: number): number {
  const index = at / 4;
  const words = memory.i32;
  switch (op) {
    case MIN:
    case MAX:
      return word === U32
        ? extreme32(memory.u32, index, op, operand >>> 0)
        : extreme32(words, index, op, operand | 0);
    case AND:
      return Atomics.and(words, index, operand);
    case OR:
      return Atomics.or(words, index, operand);
    case XOR:
      return Atomics.xor(words, index, operand);
    default:
      return Atomics.exchange(words, index, operand);
  }
}

function extreme32(words: Int32Array | Uint32Array, index: number, op: number, operand: number): number {
  let before = Atomics.load(words, index);
  while (op === MIN ? operand < before : operand > before) {
    const seen = Atomics.compareExchange(words, index, before, operand);
    if (seen === before) return before;
    before = seen;
  }
  return before;
}

/** Applies `op` to an f64 word. @returns the value before */
export function fetchOpF64(memory: WordMemory, at: number, op: number, operand: number): number {
  floats[0] = operand;
  bits[0] = fetchOpFloatBits(memory, at, op, bits[0] as bigint);
  return floats[0] as number;
}

/** Applies `op` to the bits of an f64 word, so that no NaN is disturbed on its way. @returns the bits before */
export function fetchOpFloatBits(memory: WordMemory, at: number, op: number, operand: bigint): bigint {
  if (op > MAX) return fetchOp64(memory, at, op, I64, operand);
  const index = at / 8;
  let before = Atomics.load(memory.i64, index);
  for (;;) {
    const after = op === ADD ? floatSum(before, operand) : floatExtreme(before, operand, op);
    if (after === before) return before;
    const seen = Atomics.compareExchange(memory.i64, index, before, after);
    if (seen === before) return before;
    before = seen;
  }
}

function floatSum(left: bigint, right: bigint): bigint {
  bits[0] = left;
  bits[1] = right;
  floats[0] = (floats[0] as number) + (floats[1] as number);
  return bits[0] as bigint;
}

/** The bits of whichever operand wins, so that no NaN is rewritten. */
function floatExtreme(left: bigint, right: bigint, op: number): bigint {
  bits[0] = left;
  bits[1] = right;
  const a = floats[0] as number;
  const b = floats[1] as number;
  if (Number.isNaN(a)) return left;
  if (Number.isNaN(b)) return right;
  return Object.is(op === MIN ? Math.min(a, b) : Math.max(a, b), a) ? left : right;
}

/** Stores `desired` in an i64 or u64 word that holds `expected`. @returns the value before */
export function compareAndSwap64(
  memory: WordMemory,
  at: number,
  word: number,
  expected: bigint,
  desired: bigint,
): bigint {
  return Atomics.compareExchange(word === U64 ? memory.u64 : memory.i64, at / 8, expected, desired);
}

/** Stores `desired` in an i32 or u32 word that holds `expected`. @returns the value before */
export function compareAndSwap32(
  memory: WordMemory,
  at: number,
  word: number,
  expected: number,
  desired: number,
): number {
  return Atomics.compareExchange(word === U32 ? memory.u32 : memory.i32, at / 4, expected, desired);
}

/**
 * Stores `desired` in an f64 word that holds the very bits of `expected`: 0 does not match -0, and a NaN matches only
 * a NaN with the same payload. @returns the value before
 */
export function compareAndSwapF64(memory: WordMemory, at: number, expected: number, desired: number): number {
  floats[0] = expected;
  floats[1] = desired;
  bits[0] = Atomics.compareExchange(memory.i64, at / 8, bits[0] as bigint, bits[1] as bigint);
  return floats[0] as number;
}
