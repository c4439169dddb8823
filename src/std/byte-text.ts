/**
 * Bytes as text, so that names which are no UTF-8 travel as strings: valid UTF-8 stands for itself, and a byte B that
 * is part of none for the lone surrogate U+DC00 + B. Every run of bytes has exactly one text, and comes back from it;
 * surrogates that spell UTF-8 together are taken for it.
 * Source: Python's PEP 383 ("surrogateescape").
 */
const ESCAPE = 0xdc00;
const ESCAPED_MIN = 0xdc80;
const ESCAPED_MAX = 0xdcff;
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function bytesToText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8");
  // What is no UTF-8 became U+FFFD; a U+FFFD that was there is found valid below.
  if (!text.includes("\ufffd")) return text;
  const parts: string[] = [];
  let validFrom = 0;
  for (let at = 0; at < buffer.byteLength; ) {
    const length = sequenceLength(buffer, at);
    if (length === 0) {
      parts.push(
        buffer.toString("utf8", validFrom, at),
        String.fromCharCode(ESCAPE + (buffer[at] as number)),
      );
      validFrom = at + 1;
    }
    at += Math.max(length, 1);
  }
  return parts.join("") + buffer.toString("utf8", validFrom);
}

/** @returns undefined where a lone surrogate stands for no byte: no bytes have such a text */
export function textToBytes(text: string): Uint8Array | undefined {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let wellFormedFrom = 0;
  for (const { 0: surrogate, index } of text.matchAll(LONE_SURROGATE)) {
    const code = surrogate.charCodeAt(0);
    if (code < ESCAPED_MIN || code > ESCAPED_MAX) return undefined;
    parts.push(Buffer.from(text.slice(wellFormedFrom, index)), Buffer.of(code - ESCAPE));
    wellFormedFrom = index + 1;
  }
  parts.push(Buffer.from(text.slice(wellFormedFrom)));
  return Buffer.concat(parts);
}

/**
 * Bytes of the character that begins at `at`; 0 where none does.
 * Source: The Unicode Standard, table 3-7, well-formed UTF-8 byte sequences.
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const secondMin = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const secondMax = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < secondMin || second > secondMax) return 0;
  for (let i = 2; i < length; i += 1) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
