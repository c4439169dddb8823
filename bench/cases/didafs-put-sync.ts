/** `window.putSync`, 8 bytes at a time. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  const { pattern } = setup;
  const end = setup.words * 8;
  const from = new Int32Array(2);
  const bytes = new Uint8Array(from.buffer);
  return {
    batch(word, count) {
      let at = word * 8;
      for (let i = 0; i < count; i++) {
        from[0] = pattern[at / 4] as number;
        from[1] = pattern[at / 4 + 1] as number;
        window.putSync(at, bytes);
        at += 8;
        if (at === end) at = 0;
      }
      return 0;
    },
    bytes: targetBytes,
    close,
  };
});
