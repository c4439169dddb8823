import type { CallOptions, DidafsWindow } from "./api.ts";
import { type Pace, STREAM_PACE } from "./stream-pace.ts";

type Puts = Pick<DidafsWindow, "put">;

/** Gives a window that reaches to `end` at least. `last`: no byte comes behind it. */
export type Reach = (end: number, last: boolean) => Promise<Puts>;

interface Lane {
  readonly buffer: Uint8Array;
  applied: Promise<void>;
}

/**
 * Collects bytes that come in any pieces into chunks, and puts these in order, up to `depth` at a time. What was written
 * has been copied when `write` resolves. Once a put has failed everything fails with its error.
 */
export class WriteBehind {
  readonly #reach: Reach;
  readonly #pace: Pace;
  readonly #call: CallOptions;
  readonly #onFailure: (error: unknown) => void;
  /** They take turns, so the put of the next one is the oldest. */
  readonly #lanes: Lane[] = [];
  #turn = 0;
  /** Bytes that lie in the lane whose turn it is. */
  #staged = 0;
  #at: number;

  /** @param onFailure hears of each put that fails */
  constructor(
    reach: Reach,
    at: number,
    call: CallOptions,
    onFailure: (error: unknown) => void,
    pace = STREAM_PACE,
  ) {
    this.#reach = reach;
    this.#at = at;
    this.#call = call;
    this.#onFailure = onFailure;
    this.#pace = pace;
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#at + this.#staged;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.byteLength; ) {
      const { buffer } = this.#staged === 0 ? await this.#nextLane() : this.#lane();
      const count = Math.min(buffer.byteLength - this.#staged, bytes.byteLength - from);
      buffer.set(bytes.subarray(from, from + count), this.#staged);
      this.#staged += count;
      from += count;
      if (this.#staged === buffer.byteLength) await this.#send(false);
    }
  }

  /** Puts what is left. Resolves when all is applied. */
  async finish(): Promise<void> {
    if (this.#staged > 0) await this.#send(true);
    await Promise.all(this.#lanes.map(({ applied }) => applied));
  }

  /** Resolves when nothing is in flight any more, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#lanes.map(({ applied }) => applied));
  }

  #lane(): Lane {
    return this.#lanes[this.#turn] as Lane;
  }

  /** The lane whose turn it is, once its former chunk is applied. */
  async #nextLane(): Promise<Lane> {
    if (this.#turn === this.#lanes.length) {
      this.#lanes.push({ buffer: new Uint8Array(this.#pace.chunkBytes), applied: Promise.resolve() });
    }
    const lane = this.#lane();
    await lane.applied;
    return lane;
  }

  async #send(last: boolean): Promise<void> {
    const lane = this.#lane();
    const window = await this.#reach(this.position, last);
    lane.applied = window.put(this.#at, lane.buffer.subarray(0, this.#staged), this.#call);
    lane.applied.catch(this.#onFailure);
    this.#at += this.#staged;
    this.#staged = 0;
    this.#turn = (this.#turn + 1) % this.#pace.depth;
  }
}
