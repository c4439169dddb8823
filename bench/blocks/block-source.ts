import { patternBytes } from "./pattern.ts";
import type { Walk } from "./walk.ts";

/**
 * Where puts take their blocks from: views of the pattern, made beforehand. Words are copied into one buffer instead,
 * because to go from view to view would cost more than to put a word. So a word is good until the next one is asked for.
 */
export function blockSource(
  pattern: Int32Array,
  { blocks, blockBytes }: Walk,
): (block: number) => Uint8Array {
  if (blockBytes === 8) {
    const from = new Int32Array(2);
    const bytes = new Uint8Array(from.buffer);
    return (block) => {
      from[0] = pattern[block * 2] as number;
      from[1] = pattern[block * 2 + 1] as number;
      return bytes;
    };
  }
  const bytes = patternBytes(pattern);
  const views = Array.from({ length: blocks }, (_, block) =>
    bytes.subarray(block * blockBytes, (block + 1) * blockBytes),
  );
  return (block) => views[block] as Uint8Array;
}
