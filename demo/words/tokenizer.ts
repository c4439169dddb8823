/** Lower case of each byte that belongs to a word; 0 for one that does not. */
const FOLDED = new Uint8Array(256);
for (const [first, last] of ["09", "AZ", "az", "__"]) {
  const [from, to] = [(first as string).charCodeAt(0), (last as string).charCodeAt(0)];
  for (let byte = from; byte <= to; byte++) FOLDED[byte] = first === "A" ? byte | 0x20 : byte;
}
// The bytes of UTF-8 characters beyond ASCII are part of words.
for (let byte = 0x80; byte < 256; byte++) FOLDED[byte] = byte;

export function isWordByte(byte: number | undefined): boolean {
  return byte !== undefined && FOLDED[byte] !== 0;
}

/**
 * Visits the words (runs of ASCII letters, digits, underscores and bytes beyond ASCII) that begin in `from` to `to`, also
 * where they end behind `to`. Their letters are made lower case in place.
 */
export function forEachWord(
  bytes: Uint8Array,
  from: number,
  to: number,
  visit: (begin: number, end: number) => void,
): void {
  let at = from;
  // A word that began before `from` is somebody else's.
  if (at > 0 && isWordByte(bytes[at - 1])) while (at < bytes.byteLength && isWordByte(bytes[at])) at++;
  while (at < to) {
    const begin = at;
    for (let folded = 0; at < bytes.byteLength; at++) {
      folded = FOLDED[bytes[at] as number] as number;
      if (folded === 0) break;
      bytes[at] = folded;
    }
    if (at > begin) visit(begin, at);
    else at++;
  }
}
