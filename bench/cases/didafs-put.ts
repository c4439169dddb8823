/** `await window.put`, 8 bytes at a time. */
import { wordCase } from "../words/word-case.ts";
import { openWorkingFile } from "../words/working-file.ts";

export const open = wordCase(async (setup) => {
  const { window, targetBytes, close } = await openWorkingFile(setup);
  const { pattern } = setup;
  const from = new Int32Array(2);
  const bytes = new Uint8Array(from.buffer);
  return {
    step(word) {
      from[0] = pattern[word * 2] as number;
      from[1] = pattern[word * 2 + 1] as number;
      return window.put(word * 8, bytes);
    },
    seen: () => 0,
    bytes: targetBytes,
    close,
  };
});
