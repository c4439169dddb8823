import { createHash } from "node:crypto";

/** More than there are rounds. */
const WALK_SEEDS = 1 << 16;

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

/** Room for the pattern of so many bytes. */
export function patternWords(bytes: number): Int32Array {
  return new Int32Array(bytes / 4);
}

/**
 * The seed of what a case puts on one of its walks in a round: another one each time. @param left walks that are still to
 * come, so that all cases end with the same bytes, however many walks they have
 */
export function walkSeed(roundSeed: number, left: number): number {
  return roundSeed + left * WALK_SEEDS;
}

/** The bytes of a pattern, not a copy. */
export function patternBytes(halves: Int32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(halves.buffer as ArrayBuffer, halves.byteOffset, halves.byteLength);
}

/**
 * Sum, modulo 2^32, of the first halves of the blocks that `operations` accesses see, in order from the first block on,
 * in circles.
 */
export function patternSum(halves: Int32Array, blockBytes: number, operations: number): number {
  const step = blockBytes / 4;
  const blocks = halves.length / step;
  let circle = 0;
  let rest = 0;
  for (let block = 0; block < blocks; block++) {
    circle = (circle + (halves[block * step] as number)) | 0;
    if (block < operations % blocks) rest = (rest + (halves[block * step] as number)) | 0;
  }
  return (Math.imul(circle, Math.floor(operations / blocks)) + rest) | 0;
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
