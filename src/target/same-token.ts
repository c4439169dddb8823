import { timingSafeEqual } from "node:crypto";

/** Compares session tokens without telling by its duration how much was right. */
export function isSameToken(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
