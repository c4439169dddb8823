/** The same for awaited operations: a promise that is resolved already. */
import { wordCase } from "../words/word-case.ts";
import { readByCase } from "../words/working-file.ts";

export const open = wordCase(async ({ words, pattern }) => {
  const into = new Int32Array(2);
  const step = async (word: number): Promise<void> => {
    into[0] = pattern[word * 2] as number;
    into[1] = pattern[word * 2 + 1] as number;
  };
  return {
    step,
    seen: () => into[0] as number,
    bytes: () => readByCase({ step }, words, new Uint8Array(into.buffer)),
    close: async () => {},
  };
});
