import type { Drive } from "../ports/drive.ts";
import type { Processes } from "../ports/process.ts";
import type { Random } from "../ports/random.ts";
import type { CallContext } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { BOARD_BYTES } from "../structs/notice-board.ts";
import type { Result } from "../wire/control.ts";
import { BoardLanes, type LaneOwner } from "./board-lanes.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";
import { RegionBoard } from "./region-board.ts";
import { RegionMemories } from "./region-memories.ts";
import { isSameToken } from "./same-token.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Regions at a time that have a board: 524 KiB, a mapping and a descriptor each. */
const BOARDS_MAX = 256;
const GENERATION_MAX = 0x7fff_ffff;

type Grant = Result<"window.board">;

/** Then the worker tells, and is asked. */
const NO_BOARD: Grant = { generation: 0 };

export interface BoardGrantsParts {
  /** Of memory. */
  readonly drive: Drive;
  readonly regions: OpenRegions;
  readonly workers: readonly WorkerLink[];
  readonly processes: Processes | undefined;
  readonly random: Random;
}

/**
 * Lets origins that may store to a region have its notice board (structs/notice-board.ts): the memory is made when the first one
 * asks for that, and closed with the region. Each window that has it owns a lane; where none is left it
 * goes without.
 */
export class BoardGrants {
  readonly #parts: BoardGrantsParts;
  readonly #memories: RegionMemories;
  readonly #boards = new Set<RegionBoard>();
  #generation: number | undefined;

  constructor(parts: BoardGrantsParts) {
    this.#parts = parts;
    this.#memories = new RegionMemories(parts.drive, parts.regions, "board");
  }

  /**
   * @param region stays open until this settles, and until its board's descriptor has left
   * @param make there is to be a board
   * @param checkWanted throws where the owner's window has gone meanwhile
   * @throws ERR_TOO_MANY, ERR_NO_SPACE, ERR_IO
   */
  async grant(
    region: OpenRegion,
    owner: LaneOwner,
    make: boolean,
    context: CallContext,
    checkWanted: () => void,
  ): Promise<Grant> {
    // The region says that it has one a moment before it is known here.
    if (region.board === undefined && !make && !this.#memories.isMaking(region)) return NO_BOARD;
    const { regions } = this.#parts;
    regions.pin(region);
    try {
      if (region.board === undefined) await this.#memories.once(region, () => this.#make(region));
      checkWanted();
      const board = region.board as RegionBoard;
      const lane = await board.inTurn(() => this.#laneOf(region, board, owner, checkWanted));
      if (lane === undefined) return NO_BOARD;
      regions.pin(region);
      context.passDescriptor(board.object.descriptor, () => regions.unpin(region));
      return { lane, generation: board.generation };
    } finally {
      regions.unpin(region);
    }
  }

  async #laneOf(
    { inode, index, worker }: OpenRegion,
    { lanes }: RegionBoard,
    owner: LaneOwner,
    checkWanted: () => void,
  ): Promise<number | undefined> {
    const known = lanes.of(owner.session, owner.handle);
    if (known !== undefined) return known;
    const { source, session, handle } = owner;
    const link = this.#parts.workers[worker] as WorkerLink;
    const lane = await lanes.take(
      owner,
      async (lane) => (await link.giveLane({ inode, index, lane, session, handle, source })) === 0,
    );
    try {
      checkWanted();
    } catch (error) {
      // It has not been given the descriptor.
      lanes.free((other) => other === owner);
      throw error;
    }
    return lane;
  }

  async #make(region: OpenRegion): Promise<void> {
    if (this.#boards.size + this.#memories.makingCount > BOARDS_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `${BOARDS_MAX} regions of this target have a notice board already`,
      );
    }
    const { inode, index, worker } = region;
    const { workers, processes } = this.#parts;
    const generation = this.#newGeneration();
    const link = workers[worker] as WorkerLink;
    const object = await this.#memories.create(region, BOARD_BYTES, (descriptor) =>
      link.shareBoard({ inode, index, descriptor, generation }),
    );
    const lanes = new BoardLanes(processes, (lane) => link.leaveLane({ inode, index, lane }));
    const board = new RegionBoard(object, generation, lanes, () => this.#boards.delete(board));
    this.#boards.add(board);
    region.board = board;
  }

  /** No two of one life are the same, and hardly any of two lives: what a region's file says may be of a former one. */
  #newGeneration(): number {
    const last = this.#generation ?? Buffer.from(this.#parts.random.bytes(4)).readUInt32LE() & GENERATION_MAX;
    this.#generation = last >= GENERATION_MAX ? 1 : last + 1;
    return this.#generation;
  }

  /** The session's window is gone, and its origin has let go of what it had mapped with it. */
  letGo(session: number, handle: number): void {
    this.#free((owner) => owner.session === session && owner.handle === handle);
  }

  /** An origin has let go of all that it had mapped in that session, if that is its token. */
  detached(session: number, token: Uint8Array): void {
    this.#free((owner) => owner.session === session && isSameToken(token, owner.token));
  }

  #free(isGone: (owner: LaneOwner) => boolean): void {
    for (const { lanes } of this.#boards) lanes.free(isGone);
  }
}
