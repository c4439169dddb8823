/** Words that are added to: what they begin with, and what must be left of them. */

import { fillPattern, hashOf, patternBytes, patternWords } from "../blocks/pattern.ts";
import type { Round } from "../harness/messages.ts";

export const WORD_BYTES = { i64: 8, u32: 4 } as const;

export interface CounterParameters {
  readonly path: string;
  readonly sharing: "managed" | "raw";
  readonly word: keyof typeof WORD_BYTES;
  /** Processes that add at the same time: 1 or 2. */
  readonly processes: number;
  /** Operations that are timed together. */
  readonly batchOps: number;
}

/** What was added in a round. */
export interface Added {
  readonly operations: number;
  /** Modulo 2^32, of the low halves of all values before. */
  readonly sum: number;
}

/** The bytes of the word that a round begins with. */
export function startBytes(word: CounterParameters["word"], seed: number): Uint8Array {
  const halves = patternWords(8);
  fillPattern(halves, seed);
  return patternBytes(halves).slice(0, WORD_BYTES[word]);
}

/**
 * Every value before must have been seen by exactly one addition, so the sum is known; and once all that was added is
 * taken off again, what is left is what was there at the start. @param left the word's bytes after the round
 */
export function checkAdded(
  word: CounterParameters["word"],
  start: Uint8Array,
  left: Uint8Array,
  { operations, sum }: Added,
): Pick<Round, "hash" | "expectedHash"> {
  const [first, count] = [numberIn(start), BigInt(operations)];
  const expected = BigInt.asIntN(32, count * first + (count * (count - 1n)) / 2n);
  if (BigInt(sum | 0) !== expected) return { hash: `sum ${sum | 0}`, expectedHash: `sum ${expected}` };
  const before = Buffer.alloc(8);
  before.writeBigUInt64LE(BigInt.asUintN(64, numberIn(left) - count));
  return { hash: hashOf(before.subarray(0, WORD_BYTES[word])), expectedHash: hashOf(start) };
}

function numberIn(bytes: Uint8Array): bigint {
  const whole = Buffer.alloc(8);
  whole.set(bytes);
  return whole.readBigUInt64LE();
}
