import type { UnderlyingByteSource } from "node:stream/web";
import type { CallOptions, DidafsWindow } from "./api.ts";
import { abortError, onAbort } from "./call-limits.ts";
import { ReadAhead } from "./read-ahead.ts";
import { type Pace, STREAM_PACE } from "./stream-pace.ts";

export interface ReadableParts {
  /** Opens the window that the stream reads from and closes. */
  readonly open: (call: CallOptions) => Promise<DidafsWindow>;
  /** The range, which may end beyond the window; then the stream fails. */
  readonly at: number;
  readonly end: number;
  /** Lets the event loop turn once. */
  readonly turn: () => Promise<void>;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** See DidafsFile.readable in api.ts. */
export function fileReadable(parts: ReadableParts, pace = STREAM_PACE): ReadableStream<Uint8Array> {
  return new ReadableStream(new FileSource(parts, pace));
}

/** Has a window from the first pull until all has been read, or the stream is cancelled or has failed. */
class FileSource implements UnderlyingByteSource {
  readonly type = "bytes";
  readonly #parts: ReadableParts;
  readonly #pace: Pace;
  /** Ends the accesses under way. */
  readonly #stop = new AbortController();
  readonly #call: CallOptions;
  #opening: Promise<DidafsWindow> | undefined;
  #ahead: ReadAhead | undefined;
  #at: number;
  #ending: Promise<void> | undefined;
  #forgetSignal = (): void => {};

  constructor(parts: ReadableParts, pace: Pace) {
    this.#parts = parts;
    this.#pace = pace;
    this.#at = parts.at;
    this.#call = { timeoutMs: parts.timeoutMs, signal: this.#stop.signal };
  }

  start(controller: ReadableByteStreamController): void {
    this.#forgetSignal = onAbort(this.#parts.signal, (signal) => {
      controller.error(abortError(signal));
      void this.#end();
    });
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    if (this.#at === this.#parts.end) {
      // Who has seen the end may rely on the window being closed.
      await this.#end();
      controller.close();
      controller.byobRequest?.respond(0);
      return;
    }
    try {
      this.#opening ??= this.#parts.open(this.#call);
      const window = await this.#opening;
      // Mapped bytes are there at once: nothing is gained by getting them before they are needed.
      if (window.locality === "direct") await this.#copy(window, controller);
      else await this.#passOn(window, controller);
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  async cancel(): Promise<void> {
    await this.#end();
  }

  /** Straight into the reader's own buffer, where it brought one. */
  async #copy(window: DidafsWindow, controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest;
    const view = request?.view ?? new Uint8Array(this.#pace.chunkBytes);
    const length = Math.min(this.#parts.end - this.#at, view.byteLength);
    const into = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, length);
    await this.#parts.turn();
    await window.get(this.#at, into, this.#call);
    if (this.#ending !== undefined) return;
    this.#at += length;
    if (request) request.respond(length);
    else controller.enqueue(into);
  }

  /** The stream itself cuts the chunk to the reader's buffer, where it brought one. */
  async #passOn(window: DidafsWindow, controller: ReadableByteStreamController): Promise<void> {
    this.#ahead ??= new ReadAhead(window, { at: this.#at, end: this.#parts.end }, this.#pace, this.#call);
    const chunk = await this.#ahead.take();
    if (this.#ending !== undefined) return;
    this.#at += chunk.byteLength;
    controller.enqueue(chunk);
  }

  /** Gives up what is under way, and lets go of the window; only once. */
  #end(): Promise<void> {
    this.#ending ??= this.#release();
    return this.#ending;
  }

  async #release(): Promise<void> {
    this.#forgetSignal();
    this.#stop.abort();
    const window = await this.#opening?.catch(() => undefined);
    await this.#ahead?.settled();
    await window?.close();
  }
}
