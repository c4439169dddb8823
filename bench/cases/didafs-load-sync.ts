/** `window.loadSync` of an i64, as a number. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, close } = await openWorkingFile(setup);
  const end = setup.words * 8;
  return {
    batch(word, count) {
      let sum = 0;
      let at = word * 8;
      for (let i = 0; i < count; i++) {
        sum = (sum + window.loadSync(at)) | 0;
        at += 8;
        if (at === end) at = 0;
      }
      return sum;
    },
    async bytes() {
      const words = new BigInt64Array(setup.words);
      for (let word = 0; word < setup.words; word++) words[word] = BigInt(window.loadSync(word * 8));
      return new Uint8Array(words.buffer);
    },
    close,
  };
});
