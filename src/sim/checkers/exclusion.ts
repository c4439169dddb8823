/**
 * What an exclusive lock is for: a value that is read and written again under it is read by one owner only. So two
 * sections that were done never read the same value of a word, since each writes another one. And under a shared lock a
 * word does not change.
 *
 * That nobody is given a lock while another one believes that he holds it is checked as it happens (workloads/locks.ts).
 *
 * Does not verify: that locks are granted at all (progress does), or in the order of asking (the exhaustive test of the
 * core does); sections around a loss of power, which may bring back what was read before.
 */
export interface Section {
  readonly client: string;
  /** How often the word's target had lost power when the section began. */
  readonly losses: number;
  readonly read: number;
  /** What was written; of a section under a shared lock what was read again. */
  readonly second: number;
  readonly mode: "shared" | "exclusive";
}

/** @param sections of one word that were done, each with a value of its own that it wrote @returns what is wrong, if anything */
export function checkExclusion(sections: readonly Section[]): string | undefined {
  const readers = new Map<string, Section>();
  for (const section of sections) {
    const { client, losses, read, second, mode } = section;
    if (mode === "shared") {
      if (read !== second) return `${client} read ${read}, and then ${second}, under one shared lock`;
      continue;
    }
    const key = `${losses} ${read}`;
    const other = readers.get(key);
    if (other !== undefined) {
      return `${other.client} and ${client} both read ${read} under an exclusive lock, and wrote ${other.second} and ${second}`;
    }
    readers.set(key, section);
  }
  return undefined;
}
