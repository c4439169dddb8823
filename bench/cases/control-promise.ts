/** The same for awaited operations: a promise that is resolved already. */
import type { OpenCase, PromiseCase } from "../harness/case.ts";
import { readByCase } from "./working-file.ts";

export const open: OpenCase = async ({ words, pattern }) => {
  const into = new Int32Array(2);
  const step = async (word: number): Promise<void> => {
    into[0] = pattern[word * 2] as number;
    into[1] = pattern[word * 2 + 1] as number;
  };
  const bench: PromiseCase = {
    step,
    seen: () => into[0] as number,
    bytes: () => readByCase({ step }, words, new Uint8Array(into.buffer)),
    close: async () => {},
  };
  return bench;
};
