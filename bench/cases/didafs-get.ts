/** `await window.get`, 8 bytes at a time. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile, readByCase } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  const into = new Int32Array(2);
  const bytes = new Uint8Array(into.buffer);
  const step = (word: number): Promise<unknown> => window.get(word * 8, bytes);
  return {
    step,
    seen: () => into[0] as number,
    bytes: () => readByCase({ step }, setup.words, bytes),
    close,
  };
});
