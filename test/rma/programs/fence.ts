/** What ranks do for fence.test.ts. */
import { FILE_BYTES, type Rank, UNIT, WORD_BYTES } from "../rank.ts";

export const PHASES = 25;

/** Puts its number for all ranks, awaits nothing but the fence, and reads what they put. @returns its rank in the group, what did not fit */
export async function fencedPuts(own: Rank): Promise<{ groupRank: number; misfits: number[] }> {
  const { rank, size, cluster, file, window } = own;
  await using group = await cluster.group(file.path, { size });
  const misfits: number[] = [];
  const issued: Promise<void>[] = [];
  for (let phase = 1; phase <= PHASES; phase += 1) {
    const word = BigInt64Array.of(BigInt(phase));
    for (let to = 0; to < size; to += 1) issued.push(window.put(to * UNIT + rank * WORD_BYTES, word));
    await window.fence(group);
    const row = await window.get(rank * UNIT, new BigInt64Array(size));
    misfits.push(...[...row].map(Number).filter((seen) => seen !== phase));
    // Whoever comes first must not put the next ones before all have read these.
    await window.fence(group);
  }
  await Promise.all(issued);
  return { groupRank: group.rank, misfits };
}

export const ADDITIONS = 20;

/** All add to the same word between two fences. @returns what the word was behind each second one */
export async function fencedSums({ size, cluster, file, window }: Rank): Promise<number[]> {
  await using group = await cluster.group(file.path, { size });
  const seen: number[] = [];
  const issued: Promise<unknown>[] = [];
  for (let phase = 0; phase < PHASES; phase += 1) {
    for (let i = 0; i < ADDITIONS; i += 1) {
      issued.push(
        i % 2 === 0 ? window.fetchAdd(UNIT, 1) : window.accumulate("add", UNIT, BigInt64Array.of(1n)),
      );
    }
    await window.fence(group);
    seen.push(await window.load(UNIT));
    await window.fence(group);
  }
  await Promise.all(issued);
  return seen;
}

export const LOCKED = 10;

/** By turns: puts between fences, and a get and a put under a lock, on the same window. @returns what did not fit */
export async function fencesAndLocks({ rank, size, cluster, file, window }: Rank): Promise<number[]> {
  await using group = await cluster.group(file.path, { size });
  const misfits: number[] = [];
  const [own, neighbour] = [rank * UNIT, ((rank + 1) % size) * UNIT];
  const counter = { at: FILE_BYTES - WORD_BYTES, length: WORD_BYTES, mode: "exclusive" } as const;
  for (let phase = 1; phase <= 5; phase += 1) {
    const put = window.put(own, BigInt64Array.of(BigInt(phase)));
    await window.fence(group);
    await put;
    const seen = await window.load(neighbour);
    if (seen !== phase) misfits.push(seen);
    for (let i = 0; i < LOCKED; i += 1) {
      await using _ = await window.lock(counter);
      await window.store(counter.at, (await window.load(counter.at)) + 1);
    }
    await window.fence(group);
    const counted = await window.load(counter.at);
    if (counted !== phase * size * LOCKED) misfits.push(counted);
    await window.fence(group);
  }
  return misfits;
}

/** All lock all, and add. @returns whether an exclusive lock was free meanwhile and afterwards, and the sum between */
export async function lockedByAll({
  rank,
  size,
  window,
  barrier,
}: Rank): Promise<[boolean, number, boolean]> {
  const isFree = async (): Promise<boolean> => {
    const exclusive = await window.tryLock({ at: rank * UNIT, length: UNIT, mode: "exclusive" });
    await exclusive?.release();
    return exclusive !== undefined;
  };
  const lock = await window.lockAll();
  await barrier();
  const meanwhile = await isFree();
  const issued = Array.from({ length: ADDITIONS }, (_, i) => window.fetchAdd((i % size) * UNIT, 1));
  await window.flush();
  await barrier();
  const words = await Promise.all(Array.from({ length: size }, (_, i) => window.load(i * UNIT)));
  await Promise.all(issued);
  await lock.release();
  await barrier();
  return [meanwhile, words.reduce((left, right) => left + right), await isFree()];
}

/** Puts blocks to one target after the other, flushes that one, and overwrites the buffers at once. @returns the whole file */
export async function oneTarget({ rank, size, file, window, barrier }: Rank): Promise<Uint8Array> {
  const blockBytes = UNIT / size;
  const issued: Promise<void>[] = [];
  for (const [index, { target }] of file.layout.regions.entries()) {
    const blocks: Uint8Array[] = [];
    // Units lie by turns on the targets, and have a block of each rank.
    for (let at = index * UNIT; at < FILE_BYTES; at += 2 * UNIT) {
      const block = new Uint8Array(blockBytes).fill(rank + 1);
      blocks.push(block);
      issued.push(window.put(at + rank * blockBytes, block));
    }
    await window.flush("memory", { target });
    for (const block of blocks) block.fill(0xff);
  }
  await barrier();
  const seen = await window.get(0, new Uint8Array(FILE_BYTES));
  await Promise.all(issued);
  return seen;
}
