import { regionKey } from "../epoch/commit-records.ts";
import { claimHeat, HEAT_SLOTS, heatAt, SHARED_HEAT } from "../structs/worker-counters.ts";

/** What a region's accesses are counted by. */
export interface Heated {
  readonly inode: number;
  readonly index: number;
  /** Where they are counted; see heatAt(). */
  heat: number;
}

interface Held {
  readonly slot: number;
  region: Heated | undefined;
}

/**
 * Gives the slots of heat to the regions that a worker opens. A region that is closed keeps its slot until another one
 * needs it: then the least recently closed gives way, and where all are open the least recently opened.
 */
export class HeatTable {
  readonly #words: Float64Array;
  readonly #halves: Uint32Array;
  /** By region, each in the order of opening or closing. */
  readonly #open = new Map<string, Held>();
  readonly #closed = new Map<string, Held>();
  #nextSlot = 1;

  constructor(words: Float64Array) {
    this.#words = words;
    this.#halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  }

  open(region: Heated): void {
    const key = regionKey(region.inode, region.index);
    const kept = this.#closed.get(key);
    this.#closed.delete(key);
    const slot = kept?.slot ?? this.#freeSlot();
    if (kept === undefined) claimHeat(this.#words, this.#halves, slot, region.inode, region.index);
    this.#open.set(key, { slot, region });
    region.heat = heatAt(slot);
  }

  close(region: Heated): void {
    const key = regionKey(region.inode, region.index);
    const held = this.#open.get(key);
    // It may have given its slot away.
    if (held?.region !== region) return;
    this.#open.delete(key);
    this.#closed.set(key, { slot: held.slot, region: undefined });
  }

  #freeSlot(): number {
    if (this.#nextSlot < HEAT_SLOTS) {
      this.#nextSlot += 1;
      return this.#nextSlot - 1;
    }
    const from = this.#closed.size > 0 ? this.#closed : this.#open;
    const [key, held] = from.entries().next().value as [string, Held];
    from.delete(key);
    if (held.region !== undefined) held.region.heat = SHARED_HEAT;
    return held.slot;
  }
}
