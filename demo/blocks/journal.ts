import { readFileSync } from "node:fs";
import * as v from "valibot";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A run of bytes of the file, and what they were made from. */
export const Block = v.object({ at: count, length: count, seed: count });
export type Block = v.InferOutput<typeof Block>;

/** One line a block. */
export function journalLines(blocks: readonly Block[]): string {
  return blocks.map((block) => `${JSON.stringify(block)}\n`).join("");
}

/** The blocks whose stable flush was acknowledged. */
export function readJournal(file: string): Block[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => v.parse(Block, JSON.parse(line)));
}

/** The bytes of a block: a xorshift sequence from its seed, without zero bytes, which stand for "never written". */
export function fillBlock(into: Uint8Array, seed: number): Uint8Array {
  let state = seed ^ 0x9e3779b9 || 1;
  for (let i = 0; i < into.byteLength; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    into[i] = ((state >>> 8) % 255) + 1;
  }
  return into;
}
