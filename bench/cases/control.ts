/** What the harness costs by itself: the loop, the addresses, the sum and the clock, around a copy of two integers. */
import { wordCase } from "../words/word-case.ts";
import { readByCase } from "../words/working-file.ts";

export const open = wordCase(async ({ words, pattern }) => {
  const end = words * 8;
  const into = new Int32Array(2);
  const bytes = new Uint8Array(into.buffer);
  const batch = (word: number, count: number): number => {
    let sum = 0;
    let at = word * 8;
    for (let i = 0; i < count; i++) {
      into[0] = pattern[at / 4] as number;
      into[1] = pattern[at / 4 + 1] as number;
      sum = (sum + (into[0] as number)) | 0;
      at += 8;
      if (at === end) at = 0;
    }
    return sum;
  };
  return { batch, bytes: () => readByCase({ batch }, words, bytes), close: async () => {} };
});
