const halves = new Uint32Array(2);
const whole = new BigUint64Array(halves.buffer);

/**
 * A 64-bit hash of a word's bytes (two multiplicative hashes, each finished with bits of the other), never 0.
 * Source: cyrb53 by bryc (public domain), with all bits kept.
 */
export function wordKey(bytes: Uint8Array, begin: number, end: number): bigint {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = begin; at < end; at++) {
    const byte = bytes[at] as number;
    a = Math.imul(a ^ byte, 0x9e3779b1);
    b = Math.imul(b ^ byte, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  halves[0] = a;
  halves[1] = a === 0 && b === 0 ? 1 : b;
  return whole[0] as bigint;
}
