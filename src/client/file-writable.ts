import type { UnderlyingSink } from "node:stream/web";
import { DidafsError } from "../std/errors.ts";
import type { CallOptions, DidafsFile, Durability, WindowOptions } from "./api.ts";
import { abortError, onAbort } from "./call-limits.ts";
import { GrowingWindow } from "./growing-window.ts";
import { bytesOf } from "./operands.ts";
import { type Pace, STREAM_PACE } from "./stream-pace.ts";
import { type Reach, WriteBehind } from "./write-behind.ts";

export interface WritableParts {
  readonly file: DidafsFile;
  readonly at: number;
  /** Writing behind the file's end makes it longer. */
  readonly grow: boolean;
  readonly sharing: WindowOptions["sharing"];
  readonly durability: Durability;
  /** Lets the event loop turn once. */
  readonly turn: () => Promise<void>;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** See DidafsFile.writable in api.ts. */
export function fileWritable(parts: WritableParts, pace = STREAM_PACE): WritableStream<Uint8Array> {
  return new WritableStream(new FileSink(parts, pace));
}

/** Has a window from the first bytes until it is closed or aborted, or has failed. */
class FileSink implements UnderlyingSink<Uint8Array> {
  readonly #parts: WritableParts;
  readonly #pace: Pace;
  /** Ends the accesses under way. */
  readonly #stop = new AbortController();
  readonly #window: GrowingWindow;
  #behind!: WriteBehind;
  /** The first one: what it makes fail later is not told. */
  #failure: { readonly error: unknown } | undefined;
  #givingUp: Promise<void> | undefined;
  #forgetSignal = (): void => {};

  constructor(parts: WritableParts, pace: Pace) {
    this.#parts = parts;
    this.#pace = pace;
    const { file, sharing, durability, timeoutMs } = parts;
    const call: CallOptions = { timeoutMs, signal: this.#stop.signal };
    this.#window = new GrowingWindow(file, { sharing, durability, call });
  }

  start(controller: WritableStreamDefaultController): void {
    const { at, turn, timeoutMs, signal } = this.#parts;
    const fail = (error: unknown): void => {
      this.#failure ??= { error };
      controller.error(this.#failure.error);
      void this.#giveUp();
    };
    const call: CallOptions = { timeoutMs, signal: this.#stop.signal };
    const reach: Reach = async (end, last) => {
      await turn();
      return await this.#window.reach(end, last);
    };
    this.#behind = new WriteBehind(reach, at, call, fail, this.#pace);
    this.#forgetSignal = onAbort(signal, (aborted) => fail(abortError(aborted)));
    // What aborts the stream while a write waits ends that too.
    onAbort(signalOf(controller), () => this.#stop.abort());
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#orGiveUp(async () => {
      const bytes = bytesOf(chunk);
      this.#checkRange(bytes.byteLength);
      await this.#behind.write(bytes);
    });
  }

  async close(): Promise<void> {
    await this.#orGiveUp(async () => {
      await this.#behind.finish();
      await this.#window.finish(this.#behind.position);
    });
    this.#forgetSignal();
  }

  async abort(): Promise<void> {
    await this.#giveUp();
  }

  async #orGiveUp(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      this.#failure ??= { error };
      await this.#giveUp();
      throw this.#failure.error;
    }
  }

  #checkRange(byteLength: number): void {
    const { file, grow } = this.#parts;
    const { position } = this.#behind;
    if (grow || position + byteLength <= file.size) return;
    throw new DidafsError(
      "ERR_RANGE",
      `${byteLength} bytes at ${position} would end behind the ${file.size} bytes of ${file.path}; resize it first, or write with grow: true`,
      { path: file.path },
    );
  }

  /** Only once. */
  #giveUp(): Promise<void> {
    this.#givingUp ??= this.#release();
    return this.#givingUp;
  }

  async #release(): Promise<void> {
    this.#forgetSignal();
    this.#stop.abort();
    await this.#behind.settled();
    await this.#window.giveUp();
  }
}

/** Aborted when the stream is; Node's types lack it. */
function signalOf(controller: WritableStreamDefaultController & { readonly signal?: AbortSignal }) {
  return controller.signal;
}
