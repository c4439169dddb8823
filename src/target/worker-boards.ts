import type { NotificationQueue, QueueBoard } from "../epoch/notification-queue.ts";
import type { NotificationTable } from "../epoch/notification-table.ts";
import { NOBODY } from "../epoch/slot-lines.ts";
import type { Memory, MemoryPort } from "../ports/memory.ts";
import {
  announceBoard,
  BOARD_BYTES,
  BOARD_LANES,
  BOARD_QUEUES,
  changeQueues,
  countTold,
  giveLane,
  hasUntaken,
  isPublished,
  publishAsleep,
  setBoardQueue,
  setOtherQueues,
  skipUntaken,
  takenCount,
  takeStamp,
} from "../structs/notice-board.ts";
import type { ToWorker } from "./messages.ts";
import { INVALID_ARGUMENT, OK, TOO_MANY, UNBOUND } from "./statuses.ts";
import type { WorkerRegion } from "./worker-region.ts";

const SOURCE_BYTES = 32;
/** Of a place: no lane's owner reads there. */
const NONE = -1;

type Table = Pick<NotificationTable<unknown>, "queueOf" | "queuesAt" | "wake">;

interface LaneOwner {
  readonly session: number;
  readonly handle: number;
}

/** A queue's place on a board: stamps what the worker itself puts into the queue, and counts it. */
class BoardPlace implements QueueBoard {
  readonly number: number;
  readonly #words: Int32Array;

  constructor(words: Int32Array, number: number) {
    this.#words = words;
    this.number = number;
  }

  stamp(): number {
    const stamp = takeStamp(this.#words);
    countTold(this.#words, this.number);
    return stamp;
  }
}

/** The notice board of one region (structs/notice-board.ts), as its home worker keeps it. */
class WorkerBoard {
  readonly #memoryPort: MemoryPort;
  readonly #memory: Memory;
  readonly #words: Int32Array;
  /** Of the region's header page. */
  readonly #header: Int32Array;
  readonly #key: string;
  readonly #places: readonly BoardPlace[];
  /** By place: the queue that is there. */
  readonly #queues: (NotificationQueue | undefined)[] = new Array(BOARD_QUEUES).fill(undefined);
  /**
   * By place: the lane of whoever may still say what he has taken there. A process that has lost its session may not know yet; so
   * the place is another queue's once its owner has said that he reads no more, or the lane is another window's.
   */
  readonly #readers = new Int32Array(BOARD_QUEUES).fill(NONE);
  /** By lane: the window that it was given to. */
  readonly #owners: (LaneOwner | undefined)[] = new Array(BOARD_LANES).fill(undefined);
  // What the board says.
  #others = 0;
  #asleep = 0;

  /** @throws ERR_IO, ERR_TOO_MANY where something cannot be mapped */
  constructor(region: WorkerRegion, memoryPort: MemoryPort, descriptor: number) {
    this.#key = region.key;
    this.#header = region.headerWords();
    this.#memoryPort = memoryPort;
    this.#memory = memoryPort.map(descriptor, 0, BOARD_BYTES, true);
    this.#words = this.#memory.i32;
    this.#places = Array.from({ length: BOARD_QUEUES }, (_, place) => new BoardPlace(this.#words, place));
  }

  /** Says that it is there, and is not. @param generation 0: it is gone */
  announce(generation: number): void {
    announceBoard(this.#header, generation);
  }

  /** Where a queue of that window may be, which has to have a lane. */
  freePlace(session: number, handle: number): QueueBoard | undefined {
    if (this.#laneOf(session, handle) === NONE) return undefined;
    return this.#places.find(
      ({ number }) => this.#queues[number] === undefined && this.#readers[number] === NONE,
    );
  }

  #laneOf(session: number, handle: number): number {
    return this.#owners.findIndex((owner) => owner?.session === session && owner.handle === handle);
  }

  /** A queue has been opened that is to be at `freePlace`. @returns where */
  add(queue: NotificationQueue, table: Table): number {
    const { claim } = queue;
    const { number } = claim.board as BoardPlace;
    skipUntaken(this.#words, number);
    this.#queues[number] = queue;
    this.#readers[number] = this.#laneOf(claim.session, claim.handle);
    this.settle(table, false, () => {
      const tag = claim.tag < 0 ? undefined : claim.tag;
      setBoardQueue(this.#words, number, { at: claim.at, end: claim.end, tag, room: claim.capacity });
    });
    return number;
  }

  /**
   * Says which queues there are, and who waits, after an event that may have changed that.
   * @param letGo readers of queues that have gone said so themselves @param change what else is to be said
   */
  settle(table: Table, letGo: boolean, change?: () => void): void {
    const closed: number[] = [];
    let own = 0;
    for (const [place, queue] of this.#queues.entries()) {
      if (queue === undefined) continue;
      if (!isOpen(queue, table)) closed.push(place);
      // While somebody waits for room in it, who comes is to stand behind him.
      else if (queue.waits.first === NOBODY) own += 1;
    }
    for (const place of closed) {
      this.#queues[place] = undefined;
      if (letGo) this.#readers[place] = NONE;
    }
    const others = table.queuesAt(this.#key) - own;
    if (change !== undefined || closed.length > 0 || others !== this.#others) {
      this.#others = others;
      changeQueues(this.#words, () => {
        setOtherQueues(this.#words, others);
        for (const place of closed) setBoardQueue(this.#words, place, undefined);
        change?.();
      });
    }
    this.sayAsleep();
  }

  /** Says at which queues somebody waits. */
  sayAsleep(): void {
    let bits = 0;
    for (let place = 0; place < BOARD_QUEUES; place += 1) {
      if (this.#queues[place]?.isAwaited === true) bits |= 1 << place;
    }
    if (bits === this.#asleep) return;
    this.#asleep = bits;
    publishAsleep(this.#words, bits);
  }

  /** Who waits where something lies in a ring looks there himself. To be called once the board says that he waits. */
  wake(table: Table): void {
    if (this.#asleep === 0) return;
    for (let place = 0; place < BOARD_QUEUES; place += 1) {
      const queue = this.#queues[place];
      if (queue?.isAwaited === true && hasUntaken(this.#words, place)) table.wake(queue);
    }
  }

  /** @returns false while something of the lane's owner before lies in a ring */
  giveLane({ lane, session, handle, source }: ToWorker & { type: "board-lane" }): boolean {
    this.leaveLane(lane);
    const words = this.#words;
    const isDrained = this.#queues.every(
      (queue, place) =>
        queue === undefined || !isPublished(words, place, lane, takenCount(words, place, lane)),
    );
    if (!isDrained) return false;
    const key = new Uint8Array(SOURCE_BYTES);
    key.set(Buffer.from(source, "hex").subarray(0, SOURCE_BYTES));
    giveLane(words, this.#memory.u8, lane, key);
    this.#owners[lane] = { session, handle };
    return true;
  }

  /** Its owner reads no queue any more. */
  leaveLane(lane: number): void {
    for (const [place, reader] of this.#readers.entries()) if (reader === lane) this.#readers[place] = NONE;
  }

  /** The region goes. */
  close(): void {
    this.announce(0);
    this.#memoryPort.free(this.#memory);
  }
}

function isOpen(queue: NotificationQueue, table: Table): boolean {
  return table.queueOf(queue.claim.session, queue.claim.id) === queue;
}

/** The boards of the regions that are at home at one worker. */
export class WorkerBoards {
  readonly #memoryPort: MemoryPort;
  readonly #byRegion = new Map<string, WorkerBoard>();

  constructor(memoryPort: MemoryPort) {
    this.#memoryPort = memoryPort;
  }

  /** That of a region, by its key. */
  of(region: string): WorkerBoard | undefined {
    // Most workers have none.
    return this.#byRegion.size === 0 ? undefined : this.#byRegion.get(region);
  }

  /** @returns OK, or the status that says why the region has no such board @throws ERR_IO, ERR_TOO_MANY */
  share(
    region: WorkerRegion,
    { descriptor, generation }: ToWorker & { type: "board-share" },
    table: Table,
  ): number {
    if (this.#byRegion.has(region.key)) return INVALID_ARGUMENT;
    const board = new WorkerBoard(region, this.#memoryPort, descriptor);
    this.#byRegion.set(region.key, board);
    board.settle(table, false);
    board.announce(generation);
    return OK;
  }

  giveLane(region: string, order: ToWorker & { type: "board-lane" }): number {
    const board = this.#byRegion.get(region);
    if (board === undefined) return UNBOUND;
    return board.giveLane(order) ? OK : TOO_MANY;
  }

  /** After an event that may have closed queues of any region, or ended waits at them. @param letGo see WorkerBoard.settle */
  settle(table: Table, letGo: boolean): void {
    for (const board of this.#byRegion.values()) board.settle(table, letGo);
  }

  /** Their keys. */
  get regions(): Iterable<string> {
    return this.#byRegion.keys();
  }

  /** The region goes. */
  drop(region: string): void {
    this.#byRegion.get(region)?.close();
    this.#byRegion.delete(region);
  }
}
