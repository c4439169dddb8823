import { createHash } from "node:crypto";

export interface Candidate {
  /** Identity of a target, 32 hex digits. */
  readonly id: string;
  /** How much it should get, relative to the others: its capacity in bytes. */
  readonly weight: number;
}

const HASH_BYTES = 6;

/**
 * The `count` targets that hold a new file, by weighted rendezvous hashing: every target draws a number from the
 * file's, and the best draws win. A target's share follows its weight, and one that comes or goes changes only the
 * choices in which it takes part.
 * Source: Schindelhauer, Schomaker, "Weighted distributed hash tables" (SPAA 2005), logarithmic method.
 */
export function place<C extends Candidate>(inode: number, count: number, candidates: readonly C[]): C[] {
  return candidates
    .map((candidate) => ({ candidate, score: draw(inode, candidate) }))
    .sort((a, b) => b.score - a.score || (a.candidate.id < b.candidate.id ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

function draw(inode: number, { id, weight }: Candidate): number {
  const hash = createHash("sha256").update(`${inode} ${id}`).digest();
  const uniform = (hash.readUIntBE(0, HASH_BYTES) + 0.5) / 2 ** (8 * HASH_BYTES);
  return -Math.max(weight, 1) / Math.log(uniform);
}
