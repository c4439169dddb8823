import type { Borrowed } from "../ports/memory.ts";
import { type Credentials, ENDED, type Segments, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { assert } from "../std/assert.ts";

export interface SimWire {
  readonly bufferBytes: number;
  /** How much of at most `most` bytes moves now, or WOULD_BLOCK. */
  part(most: number): number;
  readonly credentials: Credentials | undefined;
}

/** A run of bytes on its way, perhaps with a descriptor at its first byte. */
interface Chunk {
  bytes: Uint8Array;
  descriptor: number | undefined;
}

/** One end of a simulated stream. What was sent before a close still arrives, then the other end sees ENDED. */
export class SimStream implements Stream {
  readonly descriptor: number;
  readonly credentials: Credentials | undefined;
  readonly #wire: SimWire;
  readonly #acceptDescriptors: boolean;
  #peer: SimStream | undefined;
  readonly #inbox: Chunk[] = [];
  #inboxBytes = 0;
  readonly #descriptors: number[] = [];
  #closed = false;

  constructor(descriptor: number, wire: SimWire, acceptDescriptors: boolean) {
    this.descriptor = descriptor;
    this.credentials = wire.credentials;
    this.#wire = wire;
    this.#acceptDescriptors = acceptDescriptors;
  }

  join(peer: SimStream): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that have arrived and were not received yet. */
  get waitingBytes(): number {
    return this.#inboxBytes;
  }

  recv(memory: Borrowed, at: number, length: number): number {
    assert(length >= 1 && at + length <= memory.u8.byteLength, "recv stays inside its memory");
    if (this.#closed) return ENDED;
    const chunk = this.#inbox[0];
    if (chunk === undefined) return this.#peer === undefined || this.#peer.#closed ? ENDED : WOULD_BLOCK;
    // As in the kernel, one receive never runs past the bytes that brought a descriptor.
    const count = this.#wire.part(Math.min(length, chunk.bytes.byteLength));
    if (count === WOULD_BLOCK) return WOULD_BLOCK;
    if (chunk.descriptor !== undefined && this.#acceptDescriptors) this.#descriptors.push(chunk.descriptor);
    memory.u8.set(chunk.bytes.subarray(0, count), at);
    if (count === chunk.bytes.byteLength) this.#inbox.shift();
    else this.#inbox[0] = { bytes: chunk.bytes.subarray(count), descriptor: undefined };
    this.#inboxBytes -= count;
    return count;
  }

  send(memory: Borrowed, at: number, length: number): number {
    return this.#send(memory, at, length, undefined);
  }

  sendDescriptor(memory: Borrowed, at: number, length: number, descriptor: number): number {
    assert(this.credentials !== undefined, "descriptors are passed over unix streams only");
    return this.#send(memory, at, length, descriptor);
  }

  sendSegments(segments: Segments): number {
    let total = 0;
    for (let i = 0; i < segments.count; i++) {
      const entry = (segments.first + i) % segments.capacity;
      const length = segments.lengths[entry] as number;
      const taken = this.#send(
        segments.memories[entry] as Borrowed,
        segments.starts[entry] as number,
        length,
        undefined,
      );
      if (taken < 0) return total === 0 ? taken : total;
      total += taken;
      if (taken < length) break;
    }
    return total;
  }

  #send(memory: Borrowed, at: number, length: number, descriptor: number | undefined): number {
    assert(length >= 1 && at + length <= memory.u8.byteLength, "send stays inside its memory");
    const peer = this.#peer;
    if (this.#closed || peer === undefined || peer.#closed) return ENDED;
    const room = this.#wire.bufferBytes - peer.#inboxBytes;
    if (room <= 0) return WOULD_BLOCK;
    const count = this.#wire.part(Math.min(length, room));
    if (count === WOULD_BLOCK) return WOULD_BLOCK;
    peer.#inbox.push({ bytes: memory.u8.slice(at, at + count), descriptor });
    peer.#inboxBytes += count;
    return count;
  }

  takeDescriptor(): number | undefined {
    return this.#descriptors.shift();
  }

  close(): void {
    this.#closed = true;
    this.#inbox.length = 0;
    this.#inboxBytes = 0;
  }
}

/** What connecting to an address without a listener gives. */
export function deadStream(descriptor: number): SimStream {
  return new SimStream(
    descriptor,
    { bufferBytes: 0, part: () => WOULD_BLOCK, credentials: undefined },
    false,
  );
}
