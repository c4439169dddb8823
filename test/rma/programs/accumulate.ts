/** What ranks do for accumulate.test.ts. */
import type { Op, Word } from "../../../src/index.ts";
import { type Rank, UNIT, WORD_BYTES } from "../rank.ts";

/** More than two stripe units of each. */
export const ELEMENTS = 1200;
export const ROUNDS = 8;
export const FLOATS_AT: number = 4 * UNIT;

/** Adds to the same elements as all others, many times at once. @returns how often */
export async function sums(own: Rank): Promise<number> {
  const { rank, window, barrier } = own;
  const integers = BigInt64Array.from({ length: ELEMENTS }, (_, i) => BigInt(rank + 1 - i));
  const floats = Float64Array.from({ length: ELEMENTS }, (_, i) => (rank + 1) / 4 + i);
  const rounds = ROUNDS * (stores(own) ? 100 : 1);
  const calls: Promise<void>[] = [];
  await barrier();
  for (let round = 0; round < rounds; round += 1) {
    calls.push(window.accumulate("add", 0, integers), window.accumulate("add", FLOATS_AT, floats));
  }
  await Promise.all(calls);
  return rounds;
}

/** Its accesses are those of its processor: it must do many to meet another rank. */
function stores({ window, sharing }: Rank): boolean {
  return window.locality === "direct" && sharing === "raw";
}

/** In words. */
export const OVERLAP_STEP = 100;

/** Adds ones to a range that begins within the others'. */
export async function overlappingSums({ rank, window }: Rank): Promise<void> {
  const ones = new BigInt64Array(ELEMENTS).fill(1n);
  for (let round = 0; round < ROUNDS; round += 1) {
    await window.accumulate("add", rank * OVERLAP_STEP * WORD_BYTES, ones);
  }
}

/** Each operator on each type, on a word of its own: what is there, and what each rank brings. */
export const REDUCTIONS: readonly { word: Word; op: Op; initial: bigint; operands: readonly bigint[] }[] = (
  ["i64", "u64", "i32", "u32"] as const
).flatMap((word) => {
  const bits = word.endsWith("64") ? 64n : 32n;
  const high = 1n << (bits - 1n);
  // The upper half: negative where the type has a sign, and large where it has none.
  const operands = [high + 13n, 9n, high + 25n, 12n].map((value) =>
    word.startsWith("i") ? BigInt.asIntN(Number(bits), value) : value,
  );
  const ops = ["add", "min", "max", "and", "or", "xor"] as const;
  return ops.map((op) => ({ word, op, initial: op === "and" || op === "min" ? 31n : 4n, operands }));
});

/** Sets the words, and has all ranks reduce into them. @returns what is there then */
export async function everyOperator({ rank, window, barrier }: Rank): Promise<bigint[]> {
  if (rank === 0) {
    for (const [i, { word, initial }] of REDUCTIONS.entries())
      await window.store(i * WORD_BYTES, initial, word);
  }
  await barrier();
  for (const [i, { word, op, operands }] of REDUCTIONS.entries()) {
    await window.accumulate(op, i * WORD_BYTES, elementOf(word, operands[rank] as bigint));
  }
  await barrier();
  const seen = REDUCTIONS.map(({ word }, i) => window.fetchOp("add", i * WORD_BYTES, 0n, word));
  return Promise.all(seen);
}

function elementOf(word: Word, value: bigint): BigInt64Array | BigUint64Array | Int32Array | Uint32Array {
  if (word === "i64") return BigInt64Array.of(value);
  if (word === "u64") return BigUint64Array.of(value);
  return word === "i32" ? Int32Array.of(Number(value)) : Uint32Array.of(Number(value));
}

/** Both halves of a word say who it is of. */
export function replacement(rank: number, round: number): bigint {
  const half = BigInt(rank * 1000 + round + 1);
  return (half << 32n) | half;
}

export function isReplacement(word: bigint): boolean {
  return word >> 32n === (word & 0xffff_ffffn);
}

/** Replaces the same elements as all others; between, looks at some. @returns how many it read that nobody put */
export async function replacements({ rank, window, barrier }: Rank): Promise<number> {
  await barrier();
  let mixed = 0;
  for (let round = 0; round < ROUNDS * 4; round += 1) {
    const own = new BigInt64Array(ELEMENTS).fill(replacement(rank, round));
    const replaced = window.accumulate("replace", 0, own);
    for (let i = 0; i < ELEMENTS; i += 50) {
      if (!isReplacement(window.loadBigSync(i * WORD_BYTES))) mixed += 1;
    }
    await replaced;
  }
  return mixed;
}

export const WORDS_SHARED = 8;
const FETCHES = 25;

export interface Fetched {
  readonly at: number;
  readonly before: number;
  readonly delta: number;
}

/** Adds what only this rank adds to words that are all ranks'. @returns each value before */
export async function fetches({ rank, window, barrier }: Rank): Promise<Fetched[]> {
  await barrier();
  const calls: Promise<Fetched>[] = [];
  for (let i = 0; i < FETCHES * WORDS_SHARED; i += 1) {
    const [at, delta] = [(i % WORDS_SHARED) * (UNIT / 2), rank + 1];
    calls.push(window.fetchOp("add", at, delta).then((before) => ({ at, before, delta })));
  }
  return Promise.all(calls);
}

export const SWAPS = 60;
const SWAPPED: readonly Word[] = ["i64", "u64", "i32", "u32", "f64"];

/** Wants each of many words, as all others do at the same time. @returns what it found there */
export async function swaps({ rank, window, barrier }: Rank): Promise<number[]> {
  await barrier();
  const calls = Array.from({ length: SWAPS }, (_, i) =>
    window.compareAndSwap(i * UNIT * (1 / 4), 0, rank + 1, SWAPPED[i % SWAPPED.length]),
  );
  return Promise.all(calls);
}

export const ISSUES = 400;

/** What one rank fetched of a word that it alone changes, and how often another one saw that go back. */
export interface InOrder {
  readonly fetched: readonly number[];
  readonly loaded: readonly number[];
  readonly wentBack: number;
}

/** Replaces and reads a word of its own, nothing awaited, and watches the neighbour's. */
export async function inOrder({ rank, size, window, barrier }: Rank): Promise<InOrder> {
  await barrier();
  const [own, neighbours] = [rank * UNIT, ((rank + 1) % size) * UNIT];
  const fetched: Promise<number>[] = [];
  const loaded: Promise<number>[] = [];
  let [last, wentBack] = [0, 0];
  for (let n = 1; n <= ISSUES; n += 1) {
    if (n % 2 === 1) fetched.push(window.fetchOp("replace", own, n));
    else {
      const replaced = window.accumulate("replace", own, BigInt64Array.of(BigInt(n)));
      fetched.push(replaced.then(() => n - 1));
    }
    loaded.push(window.load(own));
    if (n % 20 === 0) {
      const seen = await window.load(neighbours);
      if (seen < last) wentBack += 1;
      last = seen;
    }
  }
  return { fetched: await Promise.all(fetched), loaded: await Promise.all(loaded), wentBack };
}

/** Puts and gets words of its own, nothing awaited. @returns the last of them, as it got it after each put */
export async function putsAndGets({ rank, window }: Rank): Promise<number[]> {
  const [at, words] = [rank * UNIT, UNIT / WORD_BYTES];
  const last = at + UNIT - WORD_BYTES;
  const gets: (number | Promise<number>)[] = [];
  const puts: Promise<void>[] = [];
  for (let n = 1; n <= ISSUES; n += 1) {
    puts.push(window.put(at, new BigInt64Array(words).fill(BigInt(n))));
    if (n % 10 === 0) gets.push(window.loadSync(last));
    else gets.push(window.get(last, new BigInt64Array(1)).then(([word]) => Number(word)));
  }
  await Promise.all(puts);
  return Promise.all(gets);
}

const ADDITIONS = 100;

/** All add to the same two words, each by another call. @returns how often */
export async function anyCall(own: Rank): Promise<number> {
  const { rank, window, barrier } = own;
  const additions = ADDITIONS * (stores(own) ? 200 : 1);
  await barrier();
  for (let i = 0; i < additions; i += 1) {
    if (rank === 0) {
      await window.accumulate("add", 0, BigInt64Array.of(1n));
      await window.accumulate("add", UNIT, Float64Array.of(0.5));
    } else if (rank === 1) {
      await window.fetchAdd(0, 1);
      window.fetchOpSync("add", UNIT, 0.5, "f64");
    } else {
      await addBySwap(window, 0, 1, "i64");
      await addBySwap(window, UNIT, 0.5, "f64");
    }
  }
  return additions;
}

async function addBySwap(window: Rank["window"], at: number, delta: number, word: Word): Promise<void> {
  let before = await window.load(at, word);
  for (;;) {
    const found = await window.compareAndSwap(at, before, before + delta, word);
    if (found === before) return;
    before = found;
  }
}
