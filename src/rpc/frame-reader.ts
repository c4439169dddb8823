import type { Borrowed, Memory, MemoryPort } from "../ports/memory.ts";
import { ENDED, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { HEADER_BYTES, HEADER_WORDS } from "../wire/header.ts";
import { checkedPayloadBytes } from "./frame.ts";

const CHUNK_BYTES = 16 * 1024;

/** Cuts what a stream brings into frames. Most fit the chunk; a longer one gets a buffer of its own while it comes. */
export class FrameReader {
  /** The header of the frame that `next` returned last. */
  readonly header: Int32Array<ArrayBuffer> = new Int32Array(HEADER_WORDS);
  payloadBytesMax: number;
  /** Receives that brought something, since the beginning. */
  receiveCount = 0;
  readonly #headerBytes = new Uint8Array(this.header.buffer);
  readonly #memoryPort: MemoryPort;
  readonly #chunk: Memory;
  #first = 0;
  #end = 0;
  #long: Borrowed | undefined;
  #longEnd = 0;

  constructor(memoryPort: MemoryPort, payloadBytesMax: number) {
    this.payloadBytesMax = payloadBytesMax;
    this.#memoryPort = memoryPort;
    this.#chunk = memoryPort.allocate(CHUNK_BYTES);
  }

  /**
   * @returns the payload of the next frame (valid until the next call), WOULD_BLOCK or ENDED
   * @throws ERR_VERSION, ERR_PROTOCOL for a header that is none of ours
   */
  next(stream: Stream): Uint8Array | typeof WOULD_BLOCK | typeof ENDED {
    for (;;) {
      const payload = this.#long === undefined ? this.#fromChunk() : this.#fromLong(this.#long);
      if (payload !== undefined) return payload;
      const count = this.#receive(stream);
      if (count === ENDED) return ENDED;
      if (count === WOULD_BLOCK) return WOULD_BLOCK;
      this.receiveCount += 1;
    }
  }

  /** Receives what nobody will read, and what has come before of it. @returns bytes, WOULD_BLOCK or ENDED */
  drop(stream: Stream): number {
    this.#long = undefined;
    this.#first = 0;
    this.#end = 0;
    return stream.recv(this.#chunk, 0, CHUNK_BYTES);
  }

  #fromChunk(): Uint8Array | undefined {
    const here = this.#end - this.#first;
    if (here < HEADER_BYTES) return undefined;
    this.#headerBytes.set(this.#chunk.u8.subarray(this.#first, this.#first + HEADER_BYTES));
    const bytes = HEADER_BYTES + checkedPayloadBytes(this.header, this.payloadBytesMax);
    if (here >= bytes) {
      const at = this.#first;
      this.#first += bytes;
      return this.#chunk.u8.subarray(at + HEADER_BYTES, at + bytes);
    }
    if (bytes > CHUNK_BYTES) {
      this.#long = this.#memoryPort.borrow(new Uint8Array(bytes));
      this.#long.u8.set(this.#chunk.u8.subarray(this.#first, this.#end));
      this.#longEnd = here;
      this.#first = 0;
      this.#end = 0;
    }
    return undefined;
  }

  #fromLong(long: Borrowed): Uint8Array | undefined {
    if (this.#longEnd < long.u8.byteLength) return undefined;
    this.#long = undefined;
    return long.u8.subarray(HEADER_BYTES);
  }

  #receive(stream: Stream): number {
    if (this.#long !== undefined) {
      const count = stream.recv(this.#long, this.#longEnd, this.#long.u8.byteLength - this.#longEnd);
      if (count > 0) this.#longEnd += count;
      return count;
    }
    if (this.#first > 0) {
      this.#chunk.u8.copyWithin(0, this.#first, this.#end);
      this.#end -= this.#first;
      this.#first = 0;
    }
    const count = stream.recv(this.#chunk, this.#end, CHUNK_BYTES - this.#end);
    if (count > 0) this.#end += count;
    return count;
  }

  close(): void {
    this.#memoryPort.free(this.#chunk);
  }
}
