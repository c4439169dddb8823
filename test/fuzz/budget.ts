import type { TestContext } from "node:test";
import { firstSeed } from "../support/first-seed.ts";

/** How long all of it fuzzes together, in seconds. The parts share it; each prints its seed first. */
const SECONDS = Number(process.env.DIDAFS_FUZZ_SECONDS ?? 150);
/** The same seed gives the same frames; what a real target makes of the time between them repeats less well. */
export const SEED: number = firstSeed("DIDAFS_FUZZ_SEED");

/** Frames that each live part sends at least, however long that takes. */
export const FRAMES_MIN: number = Number(process.env.DIDAFS_FUZZ_FRAMES ?? 1_000_000);

/** Of each part: what it takes of SECONDS. */
const SHARES = {
  "live-unix": 0.3,
  "live-tcp": 0.3,
  decoders: 0.16,
  control: 0.12,
  origin: 0.08,
  "origin-epochs": 0.035,
  seldom: 0.005,
} as const;

export type Part = keyof typeof SHARES;

export function secondsOf(part: Part): number {
  return SECONDS * SHARES[part];
}

/** Beyond its seconds a part goes on until it has reached what it must reach, and then cleans up. */
export function timeoutOf(part: Part): { timeout: number } {
  return { timeout: secondsOf(part) * 1000 + 660_000 };
}

/** Says how to repeat the run. */
export function announce(context: TestContext, part: Part): void {
  context.diagnostic(
    `fuzz ${part}: seed ${SEED}, ${secondsOf(part)} s; repeat with: npm run fuzz -- --seed ${SEED} --seconds ${SECONDS}`,
  );
}
