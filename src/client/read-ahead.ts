import type { CallOptions, DidafsWindow } from "./api.ts";
import type { Pace } from "./stream-pace.ts";

/**
 * The bytes of a range in order, a chunk at a time, each in a buffer of its own. Once the first is taken it keeps up to
 * `depth` gets in flight, or done and not taken, and begins one more whenever one is taken.
 */
export class ReadAhead {
  readonly #window: Pick<DidafsWindow, "get">;
  readonly #end: number;
  readonly #pace: Pace;
  readonly #call: CallOptions;
  #next: number;
  readonly #chunks: Promise<Uint8Array<ArrayBuffer>>[] = [];

  constructor(
    window: Pick<DidafsWindow, "get">,
    range: { readonly at: number; readonly end: number },
    pace: Pace,
    call: CallOptions,
  ) {
    this.#window = window;
    this.#next = range.at;
    this.#end = range.end;
    this.#pace = pace;
    this.#call = call;
  }

  /** All has been asked for, and taken. */
  get ended(): boolean {
    return this.#next === this.#end && this.#chunks.length === 0;
  }

  /** The next chunk; to be called unless it has ended. */
  take(): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#chunks.length < this.#pace.depth && this.#next < this.#end) this.#chunks.push(this.#get());
    return this.#chunks.shift() as Promise<Uint8Array<ArrayBuffer>>;
  }

  /** Resolves when nothing is in flight any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#chunks);
  }

  #get(): Promise<Uint8Array<ArrayBuffer>> {
    const at = this.#next;
    this.#next = Math.min(at + this.#pace.chunkBytes, this.#end);
    const chunk = this.#window.get(at, new Uint8Array(this.#next - at), this.#call);
    // Whoever takes it hears of its failure; nobody may.
    chunk.catch(() => {});
    return chunk;
  }
}
