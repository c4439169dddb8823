/** What ranks do for structures.test.ts: what the standard's examples and its usual test suites build of accesses. */
import { setImmediate as turn } from "node:timers/promises";
import { type Rank, UNIT, WORD_BYTES } from "../rank.ts";

type Window = Rank["window"];
/** Whoever waits for a word looks for so long at most. */
const WAIT_MS = 40_000;
const NIL = 0;

export const ENTRIES = 30;
/** What the mutex guards: two words on different targets, changed by loads and stores. */
export const GUARDED: readonly [number, number] = [2 * UNIT, 3 * UNIT];

/** Adds to the guarded words under a mutex that is a queue of ranks (after Mellor-Crummey and Scott). @returns the misfits */
export async function mutex({ rank, window, barrier }: Rank): Promise<number> {
  await barrier();
  let misfits = 0;
  for (let i = 0; i < ENTRIES; i += 1) {
    await enter(window, rank);
    const [left, right] = [await window.load(GUARDED[0]), await window.load(GUARDED[1])];
    if (left !== right) misfits += 1;
    await window.store(GUARDED[0], left + 1);
    await turn();
    await window.store(GUARDED[1], right + 1);
    await leave(window, rank);
  }
  return misfits;
}

/** The last in the queue, as rank + 1. */
const TAIL_AT = 0;
/** By rank: who comes behind it, as rank + 1, and whether it has to wait. */
const nextAt = (rank: number): number => UNIT + rank * 2 * WORD_BYTES;
const waitsAt = (rank: number): number => nextAt(rank) + WORD_BYTES;

async function enter(window: Window, rank: number): Promise<void> {
  await window.store(nextAt(rank), NIL);
  await window.store(waitsAt(rank), 1);
  const before = await window.fetchOp("replace", TAIL_AT, rank + 1);
  if (before === NIL) return;
  await window.store(nextAt(before - 1), rank + 1);
  await until(window, waitsAt(rank), (value) => value === 0);
}

async function leave(window: Window, rank: number): Promise<void> {
  const nobodyBehind = (await window.compareAndSwap(TAIL_AT, rank + 1, NIL)) === rank + 1;
  if (nobodyBehind) return;
  const next = await until(window, nextAt(rank), (value) => value !== NIL);
  await window.store(waitsAt(next - 1), 0);
}

export const NODES = 40;
const HEAD_AT = 0;
const FREE_AT = 8;
const NODES_AT = 64;
const NODE_BYTES = 64;
const VALUE = 8;

/** Appends nodes to one list by compare-and-swap of the last node's link. */
export async function list({ rank, window, barrier }: Rank): Promise<number[]> {
  await barrier();
  let last = HEAD_AT;
  for (let i = 0; i < NODES; i += 1) {
    const node = NODES_AT + (await window.fetchAdd(FREE_AT, NODE_BYTES));
    await window.put(node, BigInt64Array.of(BigInt(NIL), BigInt(rank * NODES + i)));
    for (;;) {
      const next = await window.compareAndSwap(last, NIL, node);
      if (next === NIL) break;
      last = next;
    }
    last = node;
  }
  await barrier();
  return listed(window);
}

async function listed(window: Window): Promise<number[]> {
  const values: number[] = [];
  for (let node = await window.load(HEAD_AT); node !== NIL; node = await window.load(node)) {
    values.push(await window.load(node + VALUE));
  }
  return values;
}

export const TASKS = 300;

/** Takes tasks from a counter until there are none. @returns which it got */
export async function tasks({ window, barrier }: Rank): Promise<number[]> {
  await barrier();
  const own: number[] = [];
  for (;;) {
    const task = await window.fetchAdd(0, 1);
    if (task >= TASKS) return own;
    own.push(task);
  }
}

export const MESSAGES = 40;
const SEEN_AT = 8;
/** On the other target than the flag, and longer than what is atomic. */
const MESSAGE_AT: number = UNIT;
const MESSAGE_WORDS = 100;

/** Rank 0 puts a message, flushes, and sets a flag that the others poll. @returns what they found in messages */
export async function flags({ rank, size, window }: Rank): Promise<number[]> {
  const message = new BigInt64Array(MESSAGE_WORDS);
  const found: number[] = [];
  for (let n = 1; n <= MESSAGES; n += 1) {
    if (rank === 0) {
      const put = window.put(MESSAGE_AT, message.fill(BigInt(n)));
      await window.flush();
      await window.accumulate("replace", 0, BigInt64Array.of(BigInt(n)));
      await until(window, SEEN_AT, (seen) => seen === n * (size - 1));
      await put;
    } else {
      await until(window, 0, (flag) => flag === n);
      await window.get(MESSAGE_AT, message);
      found.push(...new Set([...message].map(Number)));
      await window.fetchAdd(SEEN_AT, 1);
    }
  }
  return found;
}

async function until(window: Window, at: number, holds: (value: number) => boolean): Promise<number> {
  const deadlineMs = performance.now() + WAIT_MS;
  for (;;) {
    const value = await window.load(at);
    if (holds(value)) return value;
    if (performance.now() > deadlineMs) throw new Error(`the word at ${at} stays ${value}`);
    await turn();
  }
}
