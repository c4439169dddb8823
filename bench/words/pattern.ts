import { createHash } from "node:crypto";

/**
 * The bytes that cases move: words of 8 bytes, two 32-bit halves each (low first), different in every word and for
 * every seed. As 64-bit integers they stay below 2^52, so that `loadSync` can give them as numbers.
 */
export function fillPattern(halves: Int32Array, seed: number): void {
  // Mulberry32, by Tommy Ettinger.
  let state = Math.imul(seed + 1, 0x9e3779b1);
  for (let i = 0; i < halves.length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    mixed ^= mixed >>> 14;
    halves[i] = i % 2 === 0 ? mixed : mixed & 0xfffff;
  }
}

/** The bytes of a pattern, not a copy. */
export function patternBytes(halves: Int32Array): Uint8Array {
  return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
}

/** Sum, modulo 2^32, of the low halves that `operations` accesses see, in order from the first word on, in circles. */
export function patternSum(halves: Int32Array, operations: number): number {
  const words = halves.length / 2;
  let circle = 0;
  let rest = 0;
  for (let word = 0; word < words; word++) {
    circle = (circle + (halves[word * 2] as number)) | 0;
    if (word < operations % words) rest = (rest + (halves[word * 2] as number)) | 0;
  }
  return (Math.imul(circle, Math.floor(operations / words)) + rest) | 0;
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
