import { type DiskLoss, NOTHING_LOST } from "./power-losses.ts";
import type { SimRandom } from "./random.ts";

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/** A sync that was begun: what it saw, and which of its sectors were written anew since. */
interface Syncing {
  readonly bytes: Uint8Array;
  readonly since: Set<number>;
}

/** What a loss of power may take, and does to it. */
interface Unsynced {
  readonly live: Uint8Array;
  /** Sectors that are not durable. */
  readonly sectors: readonly number[];
  /** By sync that is under way: of these sectors those that it saw as they are, and those that have changed since it began. */
  readonly bySync: readonly { readonly earlier: readonly number[]; readonly later: readonly number[] }[];
}

/**
 * The durable image of one object. Sectors become durable when a sync says so, and at any time before that by themselves;
 * a sector that a failed sync has dropped becomes durable only once it has changed again, though later syncs succeed.
 */
export class DiskImage {
  #durable: Uint8Array;
  #syncing: Syncing[] = [];
  /** By sector: what a failed sync has dropped. */
  readonly #dropped = new Map<number, Uint8Array>();

  constructor(durable: Uint8Array = new Uint8Array(0)) {
    this.#durable = durable.slice();
  }

  /** A sync begins: what is live now is durable once it has ended. */
  begin(live: Uint8Array): void {
    this.#syncing.push({ bytes: live.slice(), since: new Set() });
  }

  /** All syncs that were begun end. */
  finish(): void {
    for (const { bytes, since } of this.#syncing) {
      this.#resize(bytes.byteLength);
      for (const sector of sectorsOf(bytes)) if (!since.has(sector)) this.#write(bytes, sector);
    }
    this.#syncing = [];
  }

  /** A sync fails: what was not durable is dropped, or some of it. */
  fail(live: Uint8Array, random: SimRandom): void {
    for (const sector of sectorsOf(live)) {
      if (random.chance(0.8)) this.#dropped.set(sector, sectorAt(live, sector).slice());
    }
  }

  /** So much of what is live becomes durable by itself. */
  writeBack(live: Uint8Array, random: SimRandom, rate: number): void {
    const chosen = sectorsOf(live).filter((sector) => {
      const isNew = (sector + 1) * SECTOR_BYTES > this.#durable.byteLength || !this.#isDurable(live, sector);
      return isNew && random.chance(rate);
    });
    // Once: a large object that is new would be copied for each of its sectors.
    const end = Math.min(((chosen.at(-1) ?? -1) + 1) * SECTOR_BYTES, live.byteLength);
    this.#resize(Math.max(this.#durable.byteLength, end));
    for (const sector of chosen) {
      this.#write(live, sector);
      for (const { since } of this.#syncing) since.add(sector);
    }
  }

  /** @returns what is there after a loss of power, in the middle of whatever was under way */
  afterLoss(live: Uint8Array, random: SimRandom): Uint8Array {
    this.#syncing = [];
    // A new length is there whole or not.
    if (random.chance(0.5)) this.#resize(live.byteLength);
    const { byteLength } = this.#durable;
    this.writeBack(live.subarray(0, Math.min(live.byteLength, byteLength)), random, random.fraction());
    return this.#durable.slice(0, byteLength);
  }

  /** What `afterLoss` may take. */
  unsynced(live: Uint8Array): Unsynced {
    const sectors = sectorsOf(live).filter((sector) => !this.#isDurable(live, sector));
    const bySync = this.#syncing.map(({ bytes }) => ({
      earlier: sectors.filter((sector) => isSame(live, bytes, sector)),
      later: sectors.filter((sector) => !isSame(live, bytes, sector)),
    }));
    return { live, sectors, bySync };
  }

  #isDurable(live: Uint8Array, sector: number): boolean {
    return isSame(live, this.#durable, sector);
  }

  #write(from: Uint8Array, sector: number): void {
    const bytes = sectorAt(from, sector);
    const dropped = this.#dropped.get(sector);
    if (dropped !== undefined && Buffer.compare(dropped, bytes) === 0) return;
    this.#dropped.delete(sector);
    this.#durable.set(bytes, sector * SECTOR_BYTES);
  }

  #resize(byteLength: number): void {
    if (byteLength === this.#durable.byteLength) return;
    const resized = new Uint8Array(byteLength);
    resized.set(this.#durable.subarray(0, byteLength));
    this.#durable = resized;
  }
}

/** @param left what is there behind the loss */
export function lossOf({ live, sectors, bySync }: Unsynced, left: Uint8Array): DiskLoss {
  if (sectors.length === 0) return NOTHING_LOST;
  const there = new Set(sectors.filter((sector) => isSame(live, left, sector)));
  const isThere = (sector: number): boolean => there.has(sector);
  const lost = there.size < sectors.length;
  const reordered = bySync.some(({ earlier, later }) => !earlier.every(isThere) && later.some(isThere));
  return { unsynced: true, lost, torn: lost && there.size > 0, reordered };
}

function isSame(one: Uint8Array, other: Uint8Array, sector: number): boolean {
  return Buffer.compare(sectorAt(one, sector), sectorAt(other, sector)) === 0;
}

function sectorsOf(bytes: Uint8Array): number[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / SECTOR_BYTES) }, (_, sector) => sector);
}

function sectorAt(bytes: Uint8Array, sector: number): Uint8Array {
  return bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
}
