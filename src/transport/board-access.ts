import type { Memory, MemoryPort } from "../ports/memory.ts";
import { isDidafsError } from "../std/errors.ts";
import { BOARD_BYTES, boardGeneration } from "../structs/notice-board.ts";
import type { CallLimits } from "./call-limits.ts";
import { NoticeReader } from "./notice-reader.ts";
import { NoticeWriter } from "./notice-writer.ts";
import type { SessionState } from "./session-state.ts";

/** What the target gives of a region's board (structs/notice-board.ts). */
export interface BoardGrant {
  /** Undefined where there is no board, or no lane left. */
  readonly lane: number | undefined;
  /** Of the board; the receiver closes it. */
  readonly descriptor: number | undefined;
}

/** Asks the target for the board. @param make one, where there is none @param limits undefined: there is time */
export type BoardSource = (make: boolean, limits?: CallLimits) => Promise<BoardGrant>;

/** So many that were not told through the board go by before it is asked for again, where it was not to be had. */
const PAUSE = 1000;

/** The board of a region that is mapped for storing. It is fetched when it is of use, and nobody who tells of something waits for it. */
export class BoardAccess {
  readonly #memoryPort: MemoryPort;
  readonly #session: SessionState;
  readonly #source: BoardSource;
  readonly #closeDescriptor: (descriptor: number) => void;
  #memory: Memory | undefined;
  #writer: NoticeWriter | undefined;
  #isFetching = false;
  #pause = 0;
  #closed = false;

  constructor(
    memoryPort: MemoryPort,
    session: SessionState,
    source: BoardSource,
    closeDescriptor: (descriptor: number) => void,
  ) {
    this.#memoryPort = memoryPort;
    this.#session = session;
    this.#source = source;
    this.#closeDescriptor = closeDescriptor;
  }

  /** What tells through the board, once it is here. */
  get writer(): NoticeWriter | undefined {
    return this.#writer;
  }

  /** To be called where something is not told through the board. @param header of the region */
  wanted(header: Int32Array): void {
    if (this.#writer !== undefined || this.#isFetching || boardGeneration(header) === 0) return;
    if (this.#pause > 0) this.#pause -= 1;
    else void this.#fetch();
  }

  /** Nobody waits for it. */
  async #fetch(): Promise<void> {
    this.#isFetching = true;
    this.#pause = PAUSE;
    try {
      await this.#take(false);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
    } finally {
      this.#isFetching = false;
    }
  }

  /**
   * Fetches the board, which is made where there is none.
   * @returns whether a queue may be opened on it @throws ERR_TIMEOUT, ERR_ABORTED
   */
  async ready(limits: CallLimits): Promise<boolean> {
    try {
      if (this.#writer === undefined) await this.#take(true, limits);
    } catch (error) {
      // Without it the worker tells.
      if (!isDidafsError(error) || isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED")) throw error;
    }
    return this.#writer !== undefined;
  }

  async #take(make: boolean, limits?: CallLimits): Promise<void> {
    const { lane, descriptor } = await this.#source(make, limits);
    if (descriptor === undefined) return;
    try {
      // Somebody else may have asked for it at the same time: it is one board, and one lane.
      if (this.#closed || lane === undefined || this.#memory !== undefined) return;
      this.#memory = this.#memoryPort.map(descriptor, 0, BOARD_BYTES, true);
      this.#writer = new NoticeWriter(this.#memory.i32, lane);
    } finally {
      this.#closeDescriptor(descriptor);
    }
  }

  /** Reads a queue on the board, from its beginning on. */
  read(queue: number, range: { at: number; end: number; tag: number | undefined }): NoticeReader {
    return new NoticeReader(() => (this.#session.isLost ? undefined : this.#memory), queue, range);
  }

  close(): void {
    this.#closed = true;
    if (this.#memory !== undefined) this.#memoryPort.free(this.#memory);
    this.#memory = undefined;
    this.#writer = undefined;
  }
}
