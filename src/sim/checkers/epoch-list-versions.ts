import type { Anomalies } from "./epoch-anomalies.ts";
import type { KeyHistory, Read, Write } from "./epoch-reads.ts";
import { follow, newVersion, type Version } from "./epoch-versions.ts";

/**
 * The versions of a list: the longest list that was read gives their order, and what is not in there came after it, in
 * an order that nobody knows.
 */
export function listVersions(key: KeyHistory, counts: Uint8Array, anomalies: Anomalies): Version[] {
  const longest = key.reads.reduce<Read | undefined>(
    (best, read) => (best === undefined || read.length > best.length ? read : best),
    undefined,
  );
  if (longest === undefined || !isOneOrder(key, longest, anomalies)) return [];
  const versions = [newVersion()];
  const seen = new Set<number>();
  for (const value of longest.values.slice(0, longest.length)) {
    const write = key.writes.get(value) as Write;
    follow(versions.at(-1) as Version, write);
    versions.push(newVersion(write));
    seen.add(value);
  }
  const last = versions.at(-1) as Version;
  for (const write of key.writes.values()) {
    if (counts[write.epoch] === 1 && !seen.has(write.value)) follow(last, write);
  }
  for (const read of key.reads) versions[read.length]?.readers.push(read);
  return versions;
}

function isOneOrder(key: KeyHistory, longest: Read, anomalies: Anomalies): boolean {
  const refuse = (read: Read, text: string): false => {
    const epochs = read === longest ? [read.epoch] : [read.epoch, longest.epoch];
    anomalies.add("incompatible versions", epochs, `${anomalies.told(read.epoch)} ${text}`);
    return false;
  };
  /** How many of its appends of each epoch have come. */
  const indexes = new Map<number, number>();
  for (const value of longest.values.slice(0, longest.length)) {
    const { epoch, index } = key.writes.get(value) as Write;
    if (index < (indexes.get(epoch) ?? 0)) {
      return refuse(
        longest,
        `read ${value} of ${key.key} twice, or behind what ${anomalies.told(epoch)} appended later`,
      );
    }
    indexes.set(epoch, index + 1);
  }
  for (const read of key.reads) {
    for (let i = 0; i < read.length; i += 1) {
      if (read.values[i] === longest.values[i]) continue;
      const other = anomalies.told(longest.epoch);
      return refuse(
        read,
        `read ${read.values[i]} at place ${i} of ${key.key}, where ${other} read ${longest.values[i]}`,
      );
    }
  }
  return true;
}
