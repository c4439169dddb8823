import type { Result } from "../wire/control.ts";

export type LockCycle = Result<"lock.cycle">["cycle"];

/** Says who waits for whom, as far as the target has told. */
export function describeCycle(cycle: LockCycle): string {
  if (cycle.length === 0) return "";
  const waits = cycle.map(({ origin, inode, index, at, length, exclusive }, i) => {
    const who = i === 0 ? `this origin (${short(origin)})` : `origin ${short(origin)}`;
    const next = cycle[(i + 1) % cycle.length]?.origin ?? "";
    const mode = exclusive ? "exclusive" : "shared";
    const last = at + length - 1;
    return `${who} waits for bytes ${at} to ${last} of region ${inode}.${index}, ${mode}, behind origin ${short(next)}`;
  });
  return `: ${waits.join("; ")}`;
}

function short(origin: string): string {
  return origin.slice(0, 8);
}
