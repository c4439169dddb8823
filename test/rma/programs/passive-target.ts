/** What ranks do for passive-target.test.ts. */
import { type Rank, UNIT, WORD_BYTES } from "../rank.ts";

export const SECTIONS = 40;
const COUNTER_AT: number = UNIT;
const COUNTER = { at: COUNTER_AT, length: WORD_BYTES } as const;

/** Adds to a word by a get and a put, which are not atomic together but for the lock. @returns what was there last */
export async function underExclusiveLock({ window, barrier }: Rank): Promise<number> {
  const word = new BigInt64Array(1);
  await barrier();
  for (let i = 0; i < SECTIONS; i += 1) {
    await using _ = await window.lock({ ...COUNTER, mode: "exclusive" });
    await window.get(COUNTER_AT, word);
    await window.put(COUNTER_AT, BigInt64Array.of((word[0] as bigint) + 1n));
  }
  await barrier();
  return window.load(COUNTER_AT);
}

/** All hold a shared lock at once. @returns whether an exclusive one was free meanwhile, and afterwards */
export async function sharedTogether({ rank, size, window, barrier }: Rank): Promise<[boolean, boolean]> {
  const isFree = async (): Promise<boolean> => {
    const lock = await window.tryLock({ ...COUNTER, mode: "exclusive" });
    await lock?.release();
    return lock !== undefined;
  };
  const lock = await window.lock({ ...COUNTER, mode: "shared" });
  await barrier();
  const meanwhile = await isFree();
  await barrier();
  await lock.release();
  await barrier();
  // One after the other: they would be in each other's way.
  let afterwards = false;
  for (let turn = 0; turn < size; turn += 1) {
    if (turn === rank) afterwards = await isFree();
    await barrier();
  }
  return [meanwhile, afterwards];
}

/** All hold exclusive locks at once, each on its own words on both targets. @returns whether the neighbour's was free */
export async function locksApart({ rank, size, window, barrier }: Rank): Promise<boolean> {
  const rangeOf = (of: number) => ({
    at: UNIT * 2 * of + UNIT - WORD_BYTES,
    length: 2 * WORD_BYTES,
    mode: "exclusive" as const,
  });
  await using _ = await window.lock(rangeOf(rank));
  await barrier();
  const neighbours = await window.tryLock(rangeOf((rank + 1) % size));
  await neighbours?.release();
  await barrier();
  return neighbours !== undefined;
}

export const PLACES: readonly number[] = Array.from({ length: 16 }, (_, i) => i * UNIT + 8 * i);

/** Under the lock puts one value everywhere, awaits none of the puts but the flush, and unlocks. @returns what did not fit */
export async function generations({ window, barrier }: Rank): Promise<number[][]> {
  await barrier();
  const torn: number[][] = [];
  const issued: Promise<void>[] = [];
  for (let i = 0; i < SECTIONS / 2; i += 1) {
    await using _ = await window.lock({ at: 0, length: WORD_BYTES, mode: "exclusive" });
    const seen = await Promise.all(PLACES.map((at) => window.load(at)));
    if (new Set(seen).size > 1) torn.push(seen);
    const next = BigInt64Array.of(BigInt(seen[0] as number) + 1n);
    issued.push(...PLACES.map((at) => window.put(at, next)));
    await window.flush();
  }
  await Promise.all(issued);
  return torn;
}

/** Puts everywhere and flushes, but awaits no put; all buffers are overwritten at once. @returns what others have put */
export async function flushed({ rank, size, window, barrier }: Rank): Promise<BigInt64Array> {
  const words = UNIT / WORD_BYTES;
  const own = Array.from({ length: words }, (_, i) => BigInt64Array.of(BigInt(rank * words + i)));
  const puts = own.map((word, i) => window.put((i * size + rank) * WORD_BYTES, word));
  await window.flush();
  for (const word of own) word.fill(-1n);
  await barrier();
  const seen = await window.get(0, new BigInt64Array(words * size));
  await Promise.all(puts);
  return seen;
}

/** Overwrites the buffer of each put once that is complete. @returns what gets brought of them */
export async function buffersAgain({ rank, window, barrier }: Rank): Promise<number[]> {
  const buffer = new BigInt64Array(64);
  const into = new BigInt64Array(64);
  const seen: number[] = [];
  for (let round = 1; round <= 50; round += 1) {
    const at = (rank * 2 + (round % 2)) * UNIT;
    buffer.fill(BigInt(round));
    await window.put(at, buffer);
    buffer.fill(-1n);
    await window.get(at, into);
    seen.push(...new Set([...into].map(Number)));
  }
  await barrier();
  return seen;
}

/** Requests of all kinds are under way at once; then the neighbour looks, and nobody has flushed. @returns what each brought */
export async function requests({ rank, size, window, barrier }: Rank): Promise<number[]> {
  const at = rank * UNIT;
  await window.store(at, 5);
  const put = window.put(at + 8, BigInt64Array.of(6n));
  const add = window.accumulate("add", at + 16, BigInt64Array.of(7n));
  const get = window.get(at, new BigInt64Array(1));
  const fetch = window.fetchOp("add", at + 24, 8);
  const first = await Promise.race([put, add, get, fetch]).then(() => 1);
  const [, , word, before] = await Promise.all([put, add, get, fetch]);
  await barrier();
  const neighbour = ((rank + 1) % size) * UNIT;
  const theirs = await window.get(neighbour, new BigInt64Array(4));
  return [first, Number(word[0]), before, ...[...theirs].map(Number)];
}

const FLAG_AT: number = 8 * UNIT;
const PROGRESS_MS = 30_000;

/** Two ranks block, and make no call but a load; the others access what is everybody's. @returns whether they came through */
export async function progress({ rank, window, barrier }: Rank): Promise<boolean> {
  await barrier();
  if (rank < 2) {
    const deadlineMs = performance.now() + PROGRESS_MS;
    // No turn of the event loop until the others have done all of theirs.
    while (window.loadSync(FLAG_AT) < 2) if (performance.now() > deadlineMs) return false;
    return true;
  }
  for (let i = 0; i < 10; i += 1) {
    await using _ = await window.lock({ at: 0, length: UNIT, mode: "exclusive" });
    await window.put(0, BigInt64Array.of(BigInt(rank)));
    await window.accumulate("add", UNIT, BigInt64Array.of(1n));
    await window.flush();
  }
  await window.fetchAdd(FLAG_AT, 1);
  return true;
}
