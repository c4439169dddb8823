import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { syncDirectory } from "../system/directory.ts";
import { replaceFile } from "../system/replace-file.ts";
import type { LeaseRecord } from "../target/lease-record.ts";
import { LEASE_MS_MAX } from "../wire/leases.ts";

const Content = v.object({
  format: v.literal(1),
  longestMs: v.pipe(v.number(), v.minValue(0), v.maxValue(LEASE_MS_MAX)),
});

/**
 * The longest lease that a target has granted, in `leases.json` in its directory; 0 after an end at which nobody held a lock.
 * Whatever is not known counts as the longest that there can be: a file that is missing, damaged, or of another version, and
 * a drive that takes no more.
 */
export class LeaseFile implements LeaseRecord {
  readonly formerMs: number;
  readonly #file: string;
  #longestMs: number;

  /** @param isNew the target has had no life before */
  constructor(dir: string, isNew: boolean) {
    this.#file = path.join(dir, "leases.json");
    this.formerMs = isNew ? 0 : read(this.#file);
    this.#longestMs = this.formerMs;
  }

  raise(leaseMs: number): void {
    if (leaseMs <= this.#longestMs) return;
    this.#write(leaseMs);
    this.#longestMs = leaseMs;
  }

  /** The target ends in good order, and nobody holds a lock. */
  clear(): void {
    this.#write(0);
  }

  #write(longestMs: number): void {
    try {
      replaceFile(this.#file, `${JSON.stringify({ format: 1, longestMs })}\n`);
    } catch {
      rmSync(this.#file, { force: true });
      syncDirectory(path.dirname(this.#file));
    }
  }
}

function read(file: string): number {
  try {
    return v.parse(Content, JSON.parse(readFileSync(file, "utf8"))).longestMs;
  } catch {
    return LEASE_MS_MAX;
  }
}
