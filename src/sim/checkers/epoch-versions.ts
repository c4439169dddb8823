import type { Read, Write } from "./epoch-reads.ts";

/** What a key held from some moment on. */
export interface Version {
  /** Absent for what is there at first. */
  readonly write: Write | undefined;
  readonly readers: Read[];
  /** By epoch, some of those that certainly came later; they lead to all others of which that is known. */
  readonly next: Map<number, Later>;
}

export interface Later {
  readonly write: Write;
  /** Only the times of invocations and returns show it. */
  readonly inTime: boolean;
}

export function newVersion(write?: Write): Version {
  return { write, readers: [], next: new Map() };
}

/** Notes that `write` came after `version`. */
export function follow(version: Version, write: Write, inTime = false): void {
  if (!inTime || !version.next.has(write.epoch)) version.next.set(write.epoch, { write, inTime });
}
