/** Control characters, and the lone surrogates that stand for bytes which are no UTF-8 (std/byte-text.ts). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\udc80-\udcff]/gu;

/** Text with control characters and odd bytes escaped: a name from a file system must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(
    UNSHOWABLE,
    (character) => `\\x${(character.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`,
  );
}
