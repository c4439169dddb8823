import type { Borrowed, Memory, MemoryPort } from "../ports/memory.ts";
import { ENDED, type Segments, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { HEADER_BYTES, HEADER_WORDS } from "../wire/header.ts";

/**
 * What one stream has still to send: headers, which lie in a ring of their own, and payloads, which stay where they
 * are (a mapped region, a caller's buffer) until the kernel has taken them. Many entries leave in one system call.
 * Nothing is allocated after construction.
 */
export class SendQueue implements Segments {
  readonly capacity: number;
  readonly memories: (Borrowed | undefined)[];
  readonly starts: Float64Array;
  readonly lengths: Float64Array;
  first = 0;
  count = 0;
  /** Bytes queued and not yet taken by the kernel. */
  bytes = 0;
  /** Bytes taken by the kernel since the beginning. */
  sentBytes = 0;
  readonly #headers: Memory;
  readonly #headerCount: number;
  #headersQueued = 0;
  #nextHeader = 0;
  readonly #memoryPort: MemoryPort;

  /** @param headerCount how many headers may be queued at a time; a power of two */
  constructor(memoryPort: MemoryPort, headerCount: number) {
    this.#memoryPort = memoryPort;
    this.#headerCount = headerCount;
    this.#headers = memoryPort.allocate(headerCount * HEADER_BYTES);
    this.capacity = headerCount * 2;
    this.memories = new Array(this.capacity).fill(undefined);
    this.starts = new Float64Array(this.capacity);
    this.lengths = new Float64Array(this.capacity);
  }

  /** True while another header with a payload fits. */
  hasRoom(): boolean {
    return this.#headersQueued < this.#headerCount;
  }

  /** The words that `pushHeader` writes headers into. */
  get headerWords(): Int32Array {
    return this.#headers.i32;
  }

  /** Queues the next header. @returns its first word in `headerWords`, to be written before the next `flush` */
  pushHeader(): number {
    assert(this.hasRoom(), "a header is pushed only where hasRoom() said so");
    const slot = this.#nextHeader;
    this.#nextHeader = (slot + 1) & (this.#headerCount - 1);
    this.#headersQueued += 1;
    this.#push(this.#headers, slot * HEADER_BYTES, HEADER_BYTES);
    return slot * HEADER_WORDS;
  }

  /** Queues `length` bytes behind the header pushed last; they must stay as they are until they are sent. */
  pushPayload(memory: Borrowed, at: number, length: number): void {
    this.#push(memory, at, length);
  }

  #push(memory: Borrowed, at: number, length: number): void {
    const last = (this.first + this.count - 1) % this.capacity;
    this.bytes += length;
    // Neighbouring headers leave as one run.
    if (this.count > 0 && this.memories[last] === memory && memory === this.#headers) {
      const end = (this.starts[last] as number) + (this.lengths[last] as number);
      if (end === at) {
        this.lengths[last] = (this.lengths[last] as number) + length;
        return;
      }
    }
    const next = (this.first + this.count) % this.capacity;
    this.memories[next] = memory;
    this.starts[next] = at;
    this.lengths[next] = length;
    this.count += 1;
  }

  /** Copies what is still queued of `memory`, so that its owner may use it again. */
  copyOut(memory: Borrowed): void {
    for (let i = 0; i < this.count; i++) {
      const entry = (this.first + i) % this.capacity;
      if (this.memories[entry] !== memory || memory.u8.byteLength === 0) continue;
      const start = this.starts[entry] as number;
      this.memories[entry] = this.#memoryPort.borrow(
        memory.u8.slice(start, start + (this.lengths[entry] as number)),
      );
      this.starts[entry] = 0;
    }
  }

  /** True where bytes that are still to be sent are gone, because their buffer was detached. */
  lacksBytes(): boolean {
    return this.memories.some((memory) => memory?.u8.byteLength === 0);
  }

  /** Gives the kernel what it takes now. @returns bytes taken, 0 when nothing is queued, WOULD_BLOCK or ENDED */
  flush(stream: Stream): number {
    let total = 0;
    while (this.count > 0) {
      const taken =
        this.count === 1
          ? stream.send(
              this.memories[this.first] as Borrowed,
              this.starts[this.first] as number,
              this.lengths[this.first] as number,
            )
          : stream.sendSegments(this);
      if (taken === ENDED) return ENDED;
      if (taken === WOULD_BLOCK) return total === 0 ? WOULD_BLOCK : total;
      this.#drop(taken);
      total += taken;
    }
    return total;
  }

  #drop(taken: number): void {
    let left = taken;
    this.bytes -= taken;
    this.sentBytes += taken;
    while (left > 0) {
      const length = this.lengths[this.first] as number;
      const memory = this.memories[this.first];
      const part = Math.min(left, length);
      this.starts[this.first] = (this.starts[this.first] as number) + part;
      this.lengths[this.first] = length - part;
      left -= part;
      if (memory === this.#headers) this.#countHeaders(part);
      if (part === length) {
        this.memories[this.first] = undefined;
        this.first = (this.first + 1) % this.capacity;
        this.count -= 1;
      }
    }
  }

  // A header's slot is free once its last byte has left; runs begin and end on whole headers, sends may not.
  #headerBytesSent = 0;
  #countHeaders(bytes: number): void {
    this.#headerBytesSent += bytes;
    const whole = Math.floor(this.#headerBytesSent / HEADER_BYTES);
    this.#headersQueued -= whole;
    this.#headerBytesSent -= whole * HEADER_BYTES;
  }

  close(): void {
    this.memories.fill(undefined);
    this.count = 0;
    this.bytes = 0;
    this.#memoryPort.free(this.#headers);
  }
}
