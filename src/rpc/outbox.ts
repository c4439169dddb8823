import type { Borrowed, MemoryPort } from "../ports/memory.ts";
import { ENDED, type Stream, WOULD_BLOCK } from "../ports/network.ts";

/** A frame on its way out. */
export interface OutFrame {
  readonly memory: Borrowed;
  sentBytes: number;
  readonly descriptor: number | undefined;
  /** Called once when the frame has left, or never will. */
  readonly onGone: (() => void) | undefined;
}

/** The frames that a channel has still to send, in order. Their number is bounded by the calls in flight. */
export class Outbox {
  readonly #frames: OutFrame[] = [];
  readonly #memoryPort: MemoryPort;

  constructor(memoryPort: MemoryPort) {
    this.#memoryPort = memoryPort;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  push(bytes: Uint8Array, descriptor?: number, onGone?: () => void): OutFrame {
    const frame = { memory: this.#memoryPort.borrow(bytes), sentBytes: 0, descriptor, onGone };
    this.#frames.push(frame);
    return frame;
  }

  /** Takes back a frame of which nothing was sent. @returns false when it is too late */
  withdraw(frame: OutFrame): boolean {
    const at = frame.sentBytes === 0 ? this.#frames.indexOf(frame) : -1;
    if (at < 0) return false;
    this.#frames.splice(at, 1);
    frame.onGone?.();
    return true;
  }

  /** Gives the stream what it takes now. @returns how often it took something, or ENDED */
  flush(stream: Stream): number {
    let sends = 0;
    for (let frame = this.#frames[0]; frame !== undefined; frame = this.#frames[0]) {
      const left = frame.memory.u8.byteLength - frame.sentBytes;
      const taken =
        frame.descriptor !== undefined && frame.sentBytes === 0
          ? stream.sendDescriptor(frame.memory, 0, left, frame.descriptor)
          : stream.send(frame.memory, frame.sentBytes, left);
      if (taken === ENDED) return ENDED;
      if (taken === WOULD_BLOCK) break;
      sends += 1;
      frame.sentBytes += taken;
      if (taken < left) continue;
      this.#frames.shift();
      frame.onGone?.();
    }
    return sends;
  }

  close(): void {
    for (const frame of this.#frames.splice(0)) frame.onGone?.();
  }
}
