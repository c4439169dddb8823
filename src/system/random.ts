import { getRandomValues } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** getRandomValues refuses more at a time. */
const CHUNK_BYTES = 65_536;

/** The kernel's unpredictable bytes. */
export const systemRandom: Random = {
  bytes(count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += CHUNK_BYTES) getRandomValues(bytes.subarray(at, at + CHUNK_BYTES));
    return bytes;
  },
};
