import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Names what bytes lie on: the same for all processes of this machine that say the same `what`, another on every other
 * machine. Opaque, because it travels, and a machine's own number is nobody's business.
 * @param what the machine's name for it: a device, its memory
 * @returns 32 hex digits
 */
export function mediumOf(what: string): string {
  return createHash("sha256").update(`didafs medium\n${machine()}\n${what}`).digest("hex").slice(0, 32);
}

/** This boot of the machine. Device numbers are those of one kernel, and clones of a machine have one machine-id. */
function machine(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1");
  } catch {
    return hostname();
  }
}
