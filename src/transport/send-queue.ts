import type { Borrowed, Memory, MemoryPort } from "../ports/memory.ts";
import type { Segments, Stream } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { Pool } from "../std/pool.ts";
import { HEADER_BYTES, HEADER_WORDS } from "../wire/header.ts";

/** What a queue needs while something is in it: 112 bytes for each header that may be. */
class SendRoom {
  readonly headers: Memory;
  readonly memories: (Borrowed | undefined)[];
  readonly starts: Float64Array;
  readonly lengths: Float64Array;

  constructor(memoryPort: MemoryPort, headerCount: number) {
    const capacity = headerCount * 2;
    this.headers = memoryPort.allocate(headerCount * HEADER_BYTES);
    this.memories = new Array(capacity).fill(undefined);
    this.starts = new Float64Array(capacity);
    this.lengths = new Float64Array(capacity);
  }
}

/** Rooms that the queues of one thread use by turns, so that an empty queue costs nearly nothing. */
export type SendRooms = Pool<SendRoom>;

/**
 * @param headerCount of the queues
 * @param keptMax rooms that are kept while nobody uses them
 */
export function sendRooms(memoryPort: MemoryPort, headerCount: number, keptMax: number): SendRooms {
  return new Pool(
    () => new SendRoom(memoryPort, headerCount),
    ({ headers }) => memoryPort.free(headers),
    keptMax,
  );
}

/**
 * What one stream has still to send: headers, which lie in a ring of their own, and payloads, which stay where they
 * are (a mapped region, a caller's buffer) until the kernel has taken them. Many entries leave in one system call.
 * Nothing is allocated for an entry.
 */
export class SendQueue implements Segments {
  readonly capacity: number;
  memories: (Borrowed | undefined)[];
  starts: Float64Array;
  lengths: Float64Array;
  first = 0;
  count = 0;
  /** Bytes queued and not yet taken by the kernel. */
  bytes = 0;
  /** Bytes taken by the kernel since the beginning. */
  sentBytes = 0;
  readonly #memoryPort: MemoryPort;
  readonly #headerCount: number;
  readonly #rooms: SendRooms | undefined;
  readonly #empty: SendRoom;
  #room: SendRoom;
  #headersQueued = 0;
  #nextHeader = 0;
  /** A header's slot is free once its last byte has left; runs begin and end on whole headers, sends may not. */
  #headerBytesSent = 0;

  /**
   * @param headerCount how many headers may be queued at a time; a power of two
   * @param rooms which it shares with others, for queues of as many headers; without them it has a room of its own
   */
  constructor(memoryPort: MemoryPort, headerCount: number, rooms?: SendRooms) {
    this.#memoryPort = memoryPort;
    this.#headerCount = headerCount;
    this.#rooms = rooms;
    this.capacity = headerCount * 2;
    this.#empty = new SendRoom(memoryPort, rooms === undefined ? headerCount : 0);
    this.#room = this.#empty;
    this.memories = this.#room.memories;
    this.starts = this.#room.starts;
    this.lengths = this.#room.lengths;
  }

  /** True while another header with a payload fits. */
  hasRoom(): boolean {
    // A payload whose header has left already has no header to be counted by.
    return this.#headersQueued < this.#headerCount && this.count + 2 <= this.capacity;
  }

  /** The words that `pushHeader` writes headers into. A queue that shares rooms has others each time it was empty. */
  get headerWords(): Int32Array {
    return this.#room.headers.i32;
  }

  /** Queues the next header. @returns its first word in `headerWords`, to be written before the next `flush` */
  pushHeader(): number {
    assert(this.hasRoom(), "a header is pushed only where hasRoom() said so");
    if (this.count === 0 && this.#rooms !== undefined) this.#enter(this.#rooms.take());
    const slot = this.#nextHeader;
    this.#nextHeader = (slot + 1) & (this.#headerCount - 1);
    this.#headersQueued += 1;
    const at = slot * HEADER_BYTES;
    const { headers } = this.#room;
    const last = (this.first + this.count - 1) & (this.capacity - 1);
    const previous = this.#room.memories[last];
    // Neighbouring headers leave as one run.
    if (
      this.count > 0 &&
      previous === headers &&
      (this.starts[last] as number) + (this.lengths[last] as number) === at
    ) {
      this.lengths[last] = (this.lengths[last] as number) + HEADER_BYTES;
      this.bytes += HEADER_BYTES;
    } else {
      this.pushPayload(headers, at, HEADER_BYTES);
    }
    return slot * HEADER_WORDS;
  }

  /** Queues `length` bytes behind the header pushed last; they must stay as they are until they are sent. */
  pushPayload(memory: Borrowed, at: number, length: number): void {
    const next = (this.first + this.count) & (this.capacity - 1);
    this.memories[next] = memory;
    this.starts[next] = at;
    this.lengths[next] = length;
    this.count += 1;
    this.bytes += length;
  }

  /** Copies what is still queued of `memory`, so that its owner may use it again. */
  copyOut(memory: Borrowed): void {
    for (let i = 0; i < this.count; i++) {
      const entry = (this.first + i) & (this.capacity - 1);
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

  /**
   * Gives the kernel what it takes now, in one call.
   * @param byteMax how much it may take, at least 1
   * @returns bytes taken, 0 when nothing is queued, WOULD_BLOCK or ENDED
   */
  flush(stream: Stream, byteMax: number = Number.POSITIVE_INFINITY): number {
    const { first, count } = this;
    if (count === 0) return 0;
    const taken =
      count === 1
        ? stream.send(
            this.memories[first] as Borrowed,
            this.starts[first] as number,
            Math.min(this.lengths[first] as number, byteMax),
          )
        : stream.sendSegments(this, byteMax);
    if (taken > 0) this.#drop(taken);
    return taken;
  }

  #drop(taken: number): void {
    this.sentBytes += taken;
    if (taken === this.bytes) {
      this.#clear();
      return;
    }
    this.bytes -= taken;
    const { headers } = this.#room;
    for (let left = taken; left > 0; ) {
      const { first } = this;
      const length = this.lengths[first] as number;
      const part = Math.min(left, length);
      left -= part;
      if (this.memories[first] === headers) this.#countHeaders(part);
      this.starts[first] = (this.starts[first] as number) + part;
      this.lengths[first] = length - part;
      if (part === length) {
        this.memories[first] = undefined;
        this.first = (first + 1) & (this.capacity - 1);
        this.count -= 1;
      }
    }
  }

  #countHeaders(bytes: number): void {
    this.#headerBytesSent += bytes;
    const whole = Math.floor(this.#headerBytesSent / HEADER_BYTES);
    this.#headersQueued -= whole;
    this.#headerBytesSent -= whole * HEADER_BYTES;
  }

  /** Forgets what is queued, and leaves the room to others. */
  #clear(): void {
    for (let i = 0; i < this.count; i += 1) {
      this.memories[(this.first + i) & (this.capacity - 1)] = undefined;
    }
    if (this.#rooms !== undefined && this.count > 0) {
      this.#rooms.give(this.#room);
      this.#enter(this.#empty);
    }
    this.first = 0;
    this.count = 0;
    this.bytes = 0;
    this.#headersQueued = 0;
    this.#nextHeader = 0;
    this.#headerBytesSent = 0;
  }

  #enter(room: SendRoom): void {
    this.#room = room;
    this.memories = room.memories;
    this.starts = room.starts;
    this.lengths = room.lengths;
  }

  close(): void {
    this.#clear();
    this.#memoryPort.free(this.#empty.headers);
  }
}
