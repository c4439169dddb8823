/** `window.storeSync` of an i64, from a number. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  const { pattern } = setup;
  const end = setup.words * 8;
  return {
    batch(word, count) {
      let at = word * 8;
      for (let i = 0; i < count; i++) {
        const low = (pattern[at / 4] as number) >>> 0;
        window.storeSync(at, (pattern[at / 4 + 1] as number) * 2 ** 32 + low);
        at += 8;
        if (at === end) at = 0;
      }
      return 0;
    },
    bytes: targetBytes,
    close,
  };
});
