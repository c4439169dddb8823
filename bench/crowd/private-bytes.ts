import { readFileSync } from "node:fs";

/** Memory that a process has for itself: what files it maps and shares with others is not among it. */
export function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1]);
  return kilobytes("Anonymous") * 1024;
}
