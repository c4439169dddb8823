import type { Borrowed } from "../ports/memory.ts";
import { type Credentials, ENDED, type Segments, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { mark } from "./mark.ts";

export interface SimWire {
  readonly bufferBytes: number;
  /** How much of at most `most` bytes moves now, or WOULD_BLOCK. */
  part(most: number): number;
  readonly credentials: Credentials | undefined;
  readonly tap?: ((descriptor: number, bytes: string) => void) | undefined;
}

/** The way of one direction of a stream. */
export interface Route {
  /** @returns when what is sent now arrives; never before what was sent earlier */
  arrivalMs(): number;
  /** When what has arrived by `arrivedMs` can be received: now, at a later time, or not as long as nothing passes. */
  passesMs(arrivedMs: number): number;
  readonly nowMs: number;
}

/** Bytes arrive as they are sent. */
const AT_ONCE: Route = { arrivalMs: () => 0, passesMs: () => 0, nowMs: 0 };

/** A run of bytes on its way, perhaps with a descriptor at its first byte. */
interface Chunk {
  bytes: Uint8Array;
  descriptor: number | undefined;
  readonly arrivesMs: number;
}

/** One end of a simulated stream. What was sent before a close still arrives, then the other end sees ENDED. */
export class SimStream implements Stream {
  readonly descriptor: number;
  readonly credentials: Credentials | undefined;
  readonly #wire: SimWire;
  readonly #acceptDescriptors: boolean;
  /** Of what this end sends. */
  readonly #route: Route;
  #peer: SimStream | undefined;
  readonly #inbox: Chunk[] = [];
  #inboxBytes = 0;
  readonly #descriptors: number[] = [];
  #closed = false;
  #sendingEnded = false;
  #silent = false;
  /** Told of the next bytes that this end sends, and not of those after them. */
  onNextSend: (() => void) | undefined = undefined;
  /** When the other end learns that this one is closed. */
  #endArrivesMs = 0;

  constructor(descriptor: number, wire: SimWire, acceptDescriptors: boolean, route: Route = AT_ONCE) {
    this.descriptor = descriptor;
    this.credentials = wire.credentials;
    this.#wire = wire;
    this.#acceptDescriptors = acceptDescriptors;
    this.#route = route;
  }

  join(peer: SimStream): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that have arrived, or are on their way, and were not received yet. */
  get waitingBytes(): number {
    return this.#inboxBytes;
  }

  /** True where `recv` has something to say. */
  get readable(): boolean {
    return this.readableMs() <= this.#route.nowMs;
  }

  /** @returns when `recv` has something to say; never, where the other end sends nothing */
  readableMs(): number {
    const peer = this.#peer;
    if (this.#closed || peer === undefined) return this.#endArrivesMs;
    const [first] = this.#inbox;
    if (first !== undefined) return peer.#route.passesMs(first.arrivesMs);
    return peer.#saidAll ? peer.#route.passesMs(peer.#endArrivesMs) : Number.POSITIVE_INFINITY;
  }

  /** True where `send` takes something, or says that there is nobody any more. */
  get writable(): boolean {
    const peer = this.#peer;
    return this.#ended() || peer === undefined || peer.#closed || this.#roomAt(peer) > 0;
  }

  recv(memory: Borrowed, at: number, length: number): number {
    assert(length >= 1 && at + length <= memory.u8.byteLength, "recv stays inside its memory");
    if (this.#closed) return ENDED;
    const chunk = this.#inbox[0];
    if (chunk === undefined) return this.#heardEnd() ? ENDED : WOULD_BLOCK;
    if (!this.readable) return WOULD_BLOCK;
    // As in the kernel, one receive never runs past the bytes that brought a descriptor.
    const count = this.#wire.part(Math.min(length, chunk.bytes.byteLength));
    if (count === WOULD_BLOCK) return WOULD_BLOCK;
    if (chunk.descriptor !== undefined && this.#acceptDescriptors) this.#descriptors.push(chunk.descriptor);
    memory.u8.set(chunk.bytes.subarray(0, count), at);
    if (count === chunk.bytes.byteLength) this.#inbox.shift();
    else this.#inbox[0] = { ...chunk, bytes: chunk.bytes.subarray(count), descriptor: undefined };
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

  sendSegments(segments: Segments, byteMax: number): number {
    let total = 0;
    for (let i = 0; i < segments.count && total < byteMax; i++) {
      const entry = (segments.first + i) % segments.capacity;
      const length = Math.min(segments.lengths[entry] as number, byteMax - total);
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
    if (this.#closed || this.#sendingEnded || peer === undefined || this.#ended()) return ENDED;
    const room = this.#roomAt(peer);
    if (room <= 0) return WOULD_BLOCK;
    const count = this.#wire.part(Math.min(length, room));
    if (count === WOULD_BLOCK) return WOULD_BLOCK;
    // Of what nobody will receive nobody has told this end yet.
    if (peer.#closed) return count;
    const arrivesMs = this.#route.arrivalMs();
    const bytes = memory.u8.slice(at, at + count);
    this.#wire.tap?.(this.descriptor, `${count} bytes ${mark(bytes)}`);
    peer.#inbox.push({ bytes, descriptor, arrivesMs });
    peer.#inboxBytes += count;
    const onNextSend = this.onNextSend;
    this.onNextSend = undefined;
    onNextSend?.();
    return count;
  }

  #roomAt(peer: SimStream): number {
    return this.#wire.bufferBytes - peer.#inboxBytes;
  }

  get #saidAll(): boolean {
    return this.#closed || this.#sendingEnded;
  }

  /** The other end sends nothing any more, and this one knows. */
  #heardEnd(): boolean {
    const peer = this.#peer;
    if (peer === undefined) return this.#endArrivesMs <= this.#route.nowMs;
    return peer.#saidAll && peer.#route.passesMs(peer.#endArrivesMs) <= this.#route.nowMs;
  }

  /** The other end is gone, and this one knows. */
  #ended(): boolean {
    return this.#heardEnd() && (this.#peer === undefined || this.#peer.#closed);
  }

  takeDescriptor(): number | undefined {
    return this.#descriptors.shift();
  }

  endSending(): void {
    if (this.#saidAll || this.#silent) return;
    this.#sendingEnded = true;
    this.#endArrivesMs = this.#route.arrivalMs();
  }

  close(): void {
    // The machine is off: nobody learns of anything before it is back.
    if (this.#closed || this.#silent) return;
    this.#closed = true;
    this.#endArrivesMs = this.#route.arrivalMs();
    this.#forget();
  }

  /** The connection breaks: both ends see that, and what was on its way is gone. */
  reset(): void {
    for (const end of [this, this.#peer]) {
      if (end === undefined || end.#closed) continue;
      end.#closed = true;
      end.#endArrivesMs = 0;
      end.#forget();
    }
  }

  /** The machine loses power: the other end hears nothing any more, not even of the end. */
  silence(): void {
    this.#silent = true;
    this.#forget();
  }

  /** The machine is back, and says that it knows nothing of this connection. */
  disown(): void {
    this.#silent = false;
    this.close();
  }

  #forget(): void {
    this.#inbox.length = 0;
    this.#inboxBytes = 0;
  }
}
