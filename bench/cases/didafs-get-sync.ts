/** `window.getSync`, 8 bytes at a time. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile, readByCase } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  const end = setup.words * 8;
  const into = new Int32Array(2);
  const bytes = new Uint8Array(into.buffer);
  const batch = (word: number, count: number): number => {
    let sum = 0;
    let at = word * 8;
    for (let i = 0; i < count; i++) {
      window.getSync(at, bytes);
      sum = (sum + (into[0] as number)) | 0;
      at += 8;
      if (at === end) at = 0;
    }
    return sum;
  };
  return { batch, bytes: () => readByCase({ batch }, setup.words, bytes), close };
});
