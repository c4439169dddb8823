/** Word types and operators as they travel in a command's flags. Numbers are never reused. */
export const WORDS = ["i64", "u64", "i32", "u32", "f64"] as const;
export type Word = (typeof WORDS)[number];

export const OPS = ["add", "min", "max", "and", "or", "xor", "replace"] as const;
export type Op = (typeof OPS)[number];

/** Bytes of a word, by its number in WORDS. */
export const WORD_BYTES: readonly number[] = [8, 8, 4, 4, 8];

/** What FLUSH asks for, in its flags. */
export const FLUSH_MEMORY = 0;
export const FLUSH_STABLE = 1;

export function opFlags(op: number, word: number): number {
  return (op << 4) | word;
}

export function flagsWord(flags: number): number {
  return flags & 15;
}

export function flagsOp(flags: number): number {
  return flags >>> 4;
}
