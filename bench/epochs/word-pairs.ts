import { patternBytes } from "../blocks/pattern.ts";

/** The words of a pattern two by two: the first half's words, each with the one that is as far in the second half. */
export interface WordPairs {
  /** Views of the pattern, made beforehand. */
  pairOf(pair: number): readonly [Uint8Array, Uint8Array];
  /** Where the second half begins, in bytes. */
  readonly secondAt: number;
}

export function wordPairs(pattern: Int32Array): WordPairs {
  const bytes = patternBytes(pattern);
  const secondAt = bytes.byteLength / 2;
  const word = (at: number): Uint8Array => bytes.subarray(at, at + 8);
  const pairs = Array.from(
    { length: secondAt / 8 },
    (_, pair) => [word(pair * 8), word(secondAt + pair * 8)] as const,
  );
  return { secondAt, pairOf: (pair) => pairs[pair] as (typeof pairs)[number] };
}
