import type { Processes } from "../ports/process.ts";
import { BOARD_LANES } from "../structs/notice-board.ts";

/** A window that may have the board mapped for storing. */
export interface LaneOwner {
  /** Its origin's public key. */
  readonly source: string;
  readonly session: number;
  /** The session's: its origin proves with it that it has let go of its mappings. */
  readonly token: Uint8Array;
  readonly handle: number;
  /** Undefined where it is not known: then only the owner gives the lane up. */
  readonly process: { readonly pid: number; readonly start: string } | undefined;
}

/**
 * Who owns which lane of a board. One that was revoked, or whose session has ended, may still store: his lane is another's only
 * once he has said that he has let go of the mapping, or his process has ended.
 */
export class BoardLanes {
  readonly #owners: (LaneOwner | undefined)[] = new Array(BOARD_LANES).fill(undefined);
  readonly #processes: Processes | undefined;
  readonly #onFree: (lane: number) => void;

  /** @param onFree told of each lane whose owner has let go of the mapping */
  constructor(processes: Processes | undefined, onFree: (lane: number) => void) {
    this.#processes = processes;
    this.#onFree = onFree;
  }

  /** The lane that the window has. */
  of(session: number, handle: number): number | undefined {
    const lane = this.#owners.findIndex((owner) => owner?.session === session && owner.handle === handle);
    return lane < 0 ? undefined : lane;
  }

  /**
   * Gives the window a lane.
   * @param give asks the worker for it, who may say no for now
   * @returns undefined where there is none
   */
  async take(owner: LaneOwner, give: (lane: number) => Promise<boolean>): Promise<number | undefined> {
    const lanes = [...this.#owners.entries()];
    const left = lanes.filter(([, before]) => before !== undefined && this.#hasEnded(before));
    const free = lanes.filter(([, before]) => before === undefined);
    // What a process that has ended leaves comes first: the places of its queues are free with its lane.
    for (const [lane, before] of [...left, ...free]) {
      this.#owners[lane] = owner;
      if (await give(lane)) return lane;
      if (this.#owners[lane] === owner) this.#owners[lane] = before;
    }
    return undefined;
  }

  #hasEnded({ process }: LaneOwner): boolean {
    if (process === undefined) return false;
    const { pid, start } = process;
    return this.#processes?.startOf(pid) !== start;
  }

  /** Those owners have let go of the mapping. */
  free(isGone: (owner: LaneOwner) => boolean): void {
    for (const [lane, owner] of this.#owners.entries()) {
      if (owner === undefined || !isGone(owner)) continue;
      this.#owners[lane] = undefined;
      this.#onFree(lane);
    }
  }
}
