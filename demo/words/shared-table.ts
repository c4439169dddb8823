import type { DidafsWindow } from "../../src/index.ts";

/*
 * The window:
 *
 *   0     next piece of text to claim   i64, fetchAdd
 *   64    words counted                 i64, fetchAdd
 *   4096  slots: { key u64, count i64 }, open addressing from key modulo slots; key 0 is an empty slot
 *
 * A key is claimed by compareAndSwap and never changes again; counts only grow. The two words that all processes share
 * lie on cache lines of their own.
 */
const NEXT_AT = 0;
const TOTAL_AT = 64;
const SLOTS_AT = 4096;
const SLOT_BYTES = 16;
const EMPTY = 0n;

export function tableBytes(slots: number): number {
  return SLOTS_AT + slots * SLOT_BYTES;
}

/** A hash table of counters in a window that many processes share, by atomics alone. `slots` is a power of two. */
export class SharedTable {
  readonly #window: DidafsWindow;
  readonly #slots: number;
  readonly #mask: bigint;

  constructor(window: DidafsWindow, slots: number) {
    this.#window = window;
    this.#slots = slots;
    this.#mask = BigInt(slots - 1);
  }

  /** @returns the number of a piece of text that nobody else gets */
  claimPiece(): number {
    return this.#window.fetchAddSync(NEXT_AT, 1);
  }

  addTotal(words: number): void {
    this.#window.fetchAddSync(TOTAL_AT, words);
  }

  /** Counts one more word of this key. @throws where the table is full */
  count(key: bigint): void {
    const window = this.#window;
    let slot = Number(key & this.#mask);
    for (let probes = 0; probes < this.#slots; probes++) {
      const at = SLOTS_AT + slot * SLOT_BYTES;
      let holds = window.loadBigSync(at, "u64");
      if (holds === EMPTY) {
        const before = window.compareAndSwapSync(at, EMPTY, key, "u64");
        holds = before === EMPTY ? key : before;
      }
      if (holds === key) {
        window.fetchAddSync(at + 8, 1);
        return;
      }
      slot = (slot + 1) & (this.#slots - 1);
    }
    throw new Error(`all ${this.#slots} slots of the table are in use`);
  }
}

/** What the processes counted, read by one that did not: counts by key, and the total. */
export async function readTable(
  window: DidafsWindow,
): Promise<{ counts: Map<bigint, number>; total: number }> {
  const words = await window.get(0, new BigUint64Array(window.length / 8));
  const counts = new Map<bigint, number>();
  for (let at = SLOTS_AT / 8; at < words.length; at += SLOT_BYTES / 8) {
    const key = words[at] as bigint;
    if (key === EMPTY) continue;
    if (counts.has(key)) throw new Error(`the key ${key} has two slots`);
    counts.set(key, Number(words[at + 1]));
  }
  return { counts, total: Number(words[TOTAL_AT / 8]) };
}
