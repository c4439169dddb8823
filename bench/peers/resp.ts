/** What Redis's protocol (RESP 2) makes of GET and SET with values of 8 bytes. */

/** One command as it travels. */
export function respCommand(...parts: readonly (string | Uint8Array)[]): Buffer {
  const pieces = parts.flatMap((part) => {
    const bytes = Buffer.from(part);
    return [Buffer.from(`$${bytes.byteLength}\r\n`), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...pieces]);
}

/** Key of a word of the working set; `moves` keeps the words that are read from those that are written. */
export function wordKey(moves: "get" | "put", word: number): string {
  return `${moves}:${word}`;
}

/** `$8`, the value, and two line ends. */
export const VALUE_ANSWER_BYTES = 14;
/** Where the value begins in that answer. */
export const VALUE_AT = 4;
/** `+OK` and a line end. */
export const OK_ANSWER_BYTES = 5;
/** How far the value lies from the end of a SET command. */
export const VALUE_FROM_END = 10;
