import type { Borrowed } from "../../src/ports/memory.ts";
import { type Segments, type Stream, WOULD_BLOCK } from "../../src/ports/network.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimTurns } from "../../src/sim/turns.ts";
import { DataConnection } from "../../src/transport/data-connection.ts";
import { Pump } from "../../src/transport/pump.ts";
import { RemoteAccess } from "../../src/transport/remote-access.ts";
import { SessionState } from "../../src/transport/session-state.ts";
import { Turnstile } from "../../src/transport/turnstile.ts";
import { encodeAnswer, HEADER_BYTES, HEADER_WORDS, headerOpcode, headerTag } from "../../src/wire/header.ts";

/** A target that answers what a test tells it to, whenever and in whatever pieces. */
export class ScriptedTarget implements Stream {
  readonly descriptor = 1;
  readonly credentials = undefined;
  /** Bytes that one send takes at most; 0 for a peer that reads nothing. */
  room: number = Number.POSITIVE_INFINITY;
  /** Gives one byte at a time, every second receive. */
  trickles = false;
  /** Milliseconds that pass with each receive. */
  recvMs = 0.01;
  readonly clock = new SimClock();
  readonly turns = new SimTurns(this.clock);
  readonly session = new SessionState(new SharedArrayBuffer(4), "target");
  readonly connection: DataConnection;
  readonly access: RemoteAccess;
  readonly armed: DataConnection[] = [];
  readonly #pump: Pump;
  #received = Buffer.alloc(0);
  #toOrigin = Buffer.alloc(0);
  #odd = false;

  constructor(timeoutMs: number) {
    const { clock, session } = this;
    const memory = new SimMemory();
    const idler = { yield: () => {}, waitReadable: (_: unknown, ms: number) => clock.advance(ms) };
    this.#pump = new Pump(this.turns, clock, idler, (connection) => this.armed.push(connection));
    this.connection = new DataConnection(this, memory);
    const notifying = new Turnstile();
    const link = { connection: this.connection, session, pump: this.#pump, clock, idler, memory, notifying };
    this.access = new RemoteAccess(link, "tcp", 1, timeoutMs);
  }

  /** The header of a command, where the `index`-th begins at `at` bytes of what has arrived. */
  command(at: number): { opcode: number; tag: number } {
    const words = new Int32Array(HEADER_WORDS);
    new Uint8Array(words.buffer).set(this.#received.subarray(at, at + HEADER_BYTES));
    return { opcode: headerOpcode(words, 0), tag: headerTag(words, 0) };
  }

  get receivedBytes(): number {
    return this.#received.byteLength;
  }

  get received(): Uint8Array {
    return this.#received;
  }

  answer(
    { opcode, tag }: { opcode: number; tag: number },
    status: number,
    payload = new Uint8Array(0),
  ): void {
    const words = new Int32Array(HEADER_WORDS);
    encodeAnswer(words, 0, opcode, tag, status, payload.byteLength);
    this.#toOrigin = Buffer.concat([this.#toOrigin, new Uint8Array(words.buffer), payload]);
  }

  /** Sends `bytes`, whatever they are. */
  say(bytes: Uint8Array): void {
    this.#toOrigin = Buffer.concat([this.#toOrigin, bytes]);
  }

  /** What the agent says once the socket can be read. */
  wake(): void {
    this.#pump.wake(this.connection);
  }

  /** Turns the event loop `count` times, `stepMs` apart. */
  async turn(count: number, stepMs = 0.1): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      this.clock.advance(stepMs);
      this.turns.turn();
      await Promise.resolve();
    }
  }

  recv(memory: Borrowed, at: number, length: number): number {
    this.clock.advance(this.recvMs);
    this.#odd = !this.#odd;
    const piece = this.trickles ? Number(this.#odd) : length;
    const count = Math.min(piece, this.#toOrigin.byteLength);
    if (count === 0) return WOULD_BLOCK;
    memory.u8.set(this.#toOrigin.subarray(0, count), at);
    this.#toOrigin = this.#toOrigin.subarray(count);
    return count;
  }

  send(memory: Borrowed, at: number, length: number): number {
    const count = Math.min(length, this.room);
    if (count === 0) return WOULD_BLOCK;
    this.room -= count;
    this.#received = Buffer.concat([this.#received, memory.u8.subarray(at, at + count)]);
    return count;
  }

  /** As much as there is room for, as the kernel does. */
  sendSegments(segments: Segments): number {
    const { first, count, capacity, memories, starts, lengths } = segments;
    let total = 0;
    for (let i = 0; i < count; i += 1) {
      const entry = (first + i) % capacity;
      const length = lengths[entry] as number;
      const sent = this.send(memories[entry] as Borrowed, starts[entry] as number, length);
      if (sent === WOULD_BLOCK) return total === 0 ? WOULD_BLOCK : total;
      total += sent;
    }
    return total;
  }

  sendDescriptor(): number {
    throw new Error("no descriptors here");
  }

  takeDescriptor(): undefined {}

  endSending(): void {}

  close(): void {}
}
