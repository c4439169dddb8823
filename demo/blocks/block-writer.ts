import { randomInt } from "node:crypto";
import { appendFileSync } from "node:fs";
import { type DidafsWindow, type ErrorCode, isDidafsError } from "../../src/index.ts";
import { type Block, fillBlock, journalLines } from "./journal.ts";
import { type Place, randomPlaces } from "./place.ts";

const GROUPS = 3;
const GROUP_BLOCKS = 8;

/** What a program must expect when a target dies; any other error is a fault of the cluster. */
export const EXPECTED: readonly ErrorCode[] = ["ERR_SESSION_LOST", "ERR_UNREACHABLE", "ERR_TIMEOUT"];

/** Writes blocks in rounds, and notes in a journal those whose stable flush was acknowledged. */
export class BlockWriter {
  readonly #journal: string;
  readonly #places: Place[];
  /** Written with an error for an answer: their bytes may or may not be there. */
  readonly #doubtful = new Set<Place>();
  /** Blocks that ended with an error, by its code. */
  readonly failed: Record<string, number> = {};
  acknowledged = 0;
  bytes = 0;

  constructor(journal: string, slots: number) {
    this.#journal = journal;
    this.#places = randomPlaces(slots);
  }

  get doubtful(): Place[] {
    return [...this.#doubtful];
  }

  /**
   * Several groups at a time, each of several puts and a flush. @returns whether all of them were acknowledged
   * @throws an error that no death of a target explains
   */
  async round(window: DidafsWindow, onIssued: () => void): Promise<boolean> {
    if (this.#places.length < GROUPS * GROUP_BLOCKS) throw new Error("every place of the file is written");
    const groups = Array.from({ length: GROUPS }, () => this.#places.splice(-GROUP_BLOCKS));
    const running = groups.map((group) => this.#write(window, group));
    onIssued();
    const outcomes = await Promise.all(running);
    return outcomes.every((acknowledged) => acknowledged);
  }

  async #write(window: DidafsWindow, group: readonly Place[]): Promise<boolean> {
    const blocks = group.map(({ at, length }) => ({ at, length, seed: randomInt(2 ** 32) }));
    try {
      await putAll(window, blocks);
      await window.flush("stable");
    } catch (error) {
      if (!isDidafsError(error, ...EXPECTED)) throw error;
      this.failed[error.code] = (this.failed[error.code] ?? 0) + group.length;
      for (const place of group) this.#doubtful.add(place);
      // Next in line, with other bytes.
      this.#places.push(...group);
      return false;
    }
    appendFileSync(this.#journal, journalLines(blocks));
    for (const place of group) {
      this.#doubtful.delete(place);
      this.acknowledged += 1;
      this.bytes += place.length;
    }
    return true;
  }
}

/** Settles when no put is under way any more. */
async function putAll(window: DidafsWindow, blocks: readonly Block[]): Promise<void> {
  const puts = blocks.map(({ at, length, seed }) => window.put(at, fillBlock(new Uint8Array(length), seed)));
  for (const outcome of await Promise.allSettled(puts)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
