const EXCLUSIVE = -1;

/** What an epoch has locked: no line twice. */
export interface LockedLines {
  readonly shared: readonly number[];
  readonly exclusive: readonly number[];
}

/** @param reads lines, in any order @param writes the same; these are exclusive where they are read too */
export function linesToLock(reads: readonly number[], writes: readonly number[]): LockedLines {
  const exclusive = new Set(writes);
  return { shared: [...new Set(reads)].filter((line) => !exclusive.has(line)), exclusive: [...exclusive] };
}

/**
 * Which lines prepared epochs hold: many that have read one, or one that writes it. Nobody waits here, so nobody waits in a
 * circle. Lines are numbers, whatever they stand for.
 */
export class LineLocks {
  /** How many share the line, or EXCLUSIVE. */
  readonly #holders = new Map<number, number>();

  /** Lines that somebody holds. */
  get count(): number {
    return this.#holders.size;
  }

  isHeld(line: number): boolean {
    return this.#holders.has(line);
  }

  /** Somebody is about to write it. */
  isExclusive(line: number): boolean {
    return this.#holders.get(line) === EXCLUSIVE;
  }

  /** Lines that somebody is about to write. */
  *exclusiveLines(): Generator<number, void> {
    for (const [line, holders] of this.#holders) if (holders === EXCLUSIVE) yield line;
  }

  /** Takes all or nothing. @returns whether it did */
  take({ shared, exclusive }: LockedLines): boolean {
    for (const line of exclusive) if (this.#holders.has(line)) return false;
    for (const line of shared) if (this.#holders.get(line) === EXCLUSIVE) return false;
    for (const line of exclusive) this.#holders.set(line, EXCLUSIVE);
    for (const line of shared) this.#holders.set(line, (this.#holders.get(line) ?? 0) + 1);
    return true;
  }

  release({ shared, exclusive }: LockedLines): void {
    for (const line of exclusive) this.#holders.delete(line);
    for (const line of shared) {
      const left = (this.#holders.get(line) ?? 0) - 1;
      if (left > 0) this.#holders.set(line, left);
      else this.#holders.delete(line);
    }
  }
}
