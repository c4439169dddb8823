/**
 * How often each line of a region has been written, and which lines epochs are about to write, where everybody can see it who
 * maps it. There are 2^n entries; lines of larger regions share them, so that a region that grows needs no more.
 *
 *     entry (32-bit words), of line l at l % entries
 *        0  low half of the version   | 1  high half
 *        2  taken: epochs being committed that write a line of it | 3  zero
 *
 * The region's home worker alone writes. An epoch: taken goes up before anybody may put its writes in place anywhere; here its
 * bytes come next, then the versions, and taken goes down last. Any other write: the version goes up behind the bytes. So
 * who finds entries free and unchanged before and after a copy has bytes that go with these versions.
 */
const ENTRY_WORDS = 4;
const ENTRY_BYTES = 4 * ENTRY_WORDS;
const LOW = 0;
const HIGH = 1;
const TAKEN = 2;
const TWO_32 = 2 ** 32;
/** Lines of larger regions share theirs: then an epoch may fail that had no need to. 1 MiB at most. */
const ENTRIES_MAX = 1 << 16;

/** How many entries a region of that many lines gets. */
export function lineEntries(lines: number): number {
  return Math.min(ENTRIES_MAX, 2 ** Math.ceil(Math.log2(Math.max(1, lines))));
}

/** Whether that can be a number of entries. */
export function isLineEntries(entries: number): boolean {
  return entries >= 1 && entries <= ENTRIES_MAX && Number.isInteger(Math.log2(entries));
}

export function lineCountsBytes(entries: number): number {
  return entries * ENTRY_BYTES;
}

/** How many entries these words are. */
export function entriesIn(words: Int32Array): number {
  return words.length / ENTRY_WORDS;
}

/**
 * How often the line has been written. Read while the low half overflows it may be a number that no line has for the next 2^32
 * writes: an epoch that saw it meets a conflict.
 */
export function lineVersion(words: Int32Array, line: number): number {
  const at = entryAt(words, line);
  return (Atomics.load(words, at + HIGH) >>> 0) * TWO_32 + (Atomics.load(words, at + LOW) >>> 0);
}

/** Some bytes of the line have been changed. */
export function countLine(words: Int32Array, line: number): void {
  const at = entryAt(words, line);
  const low = ((words[at + LOW] as number) + 1) | 0;
  if (low === 0) Atomics.store(words, at + HIGH, ((words[at + HIGH] as number) + 1) | 0);
  Atomics.store(words, at + LOW, low);
}

/** An epoch is about to write the line. */
export function takeLine(words: Int32Array, line: number): void {
  Atomics.add(words, entryAt(words, line) + TAKEN, 1);
}

/** That epoch has ended here. */
export function freeLine(words: Int32Array, line: number): void {
  Atomics.sub(words, entryAt(words, line) + TAKEN, 1);
}

export function isLineTaken(words: Int32Array, line: number): boolean {
  return Atomics.load(words, entryAt(words, line) + TAKEN) !== 0;
}

/** Versions go on in other memory, which is all zeros and has as many entries at least; what is taken is to be taken anew. */
export function copyLineVersions(from: Int32Array, into: Int32Array): void {
  for (let entry = 0; entry < entriesIn(into); entry += 1) {
    const [old, at] = [entryAt(from, entry), entry * ENTRY_WORDS];
    into[at + LOW] = from[old + LOW] as number;
    into[at + HIGH] = from[old + HIGH] as number;
  }
}

function entryAt(words: Int32Array, line: number): number {
  return (line & (words.length / ENTRY_WORDS - 1)) * ENTRY_WORDS;
}
