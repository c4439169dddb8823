import assert from "node:assert/strict";
import type { Memory } from "../../src/ports/memory.ts";
import { ENDED, type Stream } from "../../src/ports/network.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { answerStatus, HEADER_BYTES, HEADER_WORDS, isAnswer, OPCODE } from "../../src/wire/header.ts";
import { command } from "./worker-fixture.ts";

/** A batch of commands, ready to be sent again and again, and what its answers look like. */
export interface Batch {
  readonly commands: readonly Uint8Array[];
  /** Payload bytes behind each answer's header. */
  readonly answerPayloads: readonly number[];
}

/** The same command `depth` times, at successive places of the region. */
export function batchOf(depth: number, make: (index: number) => Uint8Array, answerPayload: number): Batch {
  return {
    commands: Array.from({ length: depth }, (_, index) => make(index)),
    answerPayloads: new Array(depth).fill(answerPayload),
  };
}

/**
 * A well-behaved client that keeps one batch under way: sends it in as few calls as the socket allows, takes the
 * answers, checks the status of each. Allocates nothing once made.
 */
export class SteadyClient {
  readonly stream: Stream;
  batches = 0;
  readonly #out: Memory;
  readonly #outBytes: number;
  readonly #in: Memory;
  readonly #inBytes: number;
  /** First word of each answer; -1 behind a payload that leaves it unaligned. */
  readonly #answerWords: Int32Array;
  #sent = 0;
  #received = 0;

  constructor(stream: Stream, token: Uint8Array, batch: Batch) {
    this.stream = stream;
    const bytes = new Uint8Array(Buffer.concat(batch.commands));
    this.#outBytes = bytes.byteLength;
    this.#out = systemMemory.allocate(Math.max(bytes.byteLength, 4096));
    this.#inBytes = batch.answerPayloads.reduce((sum, payload) => sum + HEADER_BYTES + payload, 0);
    this.#in = systemMemory.allocate(this.#inBytes);
    this.#answerWords = new Int32Array(batch.commands.length);
    let at = 0;
    for (const [index, payload] of batch.answerPayloads.entries()) {
      this.#answerWords[index] = at % 4 === 0 ? at / 4 : -1;
      at += HEADER_BYTES + payload;
    }
    const hello = command({ opcode: OPCODE.HELLO, operand: 1n, payload: token });
    this.#out.u8.set(hello);
    assert.equal(stream.send(this.#out, 0, hello.byteLength), hello.byteLength);
    this.#out.u8.set(bytes);
  }

  /** Takes the answer to the greeting. @returns whether it was there */
  greeted(): boolean {
    const count = this.stream.recv(this.#in, 0, HEADER_BYTES);
    if (count > 0) assert.equal(answerStatus(this.#in.i32, 0), 0);
    return count > 0;
  }

  /** Sends and receives what can be now. @returns bytes moved */
  advance(): number {
    let moved = 0;
    if (this.#sent < this.#outBytes) {
      const sent = this.stream.send(this.#out, this.#sent, this.#outBytes - this.#sent);
      if (sent === ENDED) throw new Error("the worker closed a well-behaved client's connection");
      if (sent > 0) {
        this.#sent += sent;
        moved += sent;
      }
    }
    const received = this.stream.recv(this.#in, this.#received, this.#inBytes - this.#received);
    if (received === ENDED) throw new Error("the worker closed a well-behaved client's connection");
    if (received > 0) {
      this.#received += received;
      moved += received;
      if (this.#received === this.#inBytes) this.#completed();
    }
    return moved;
  }

  #completed(): void {
    const words = this.#in.i32;
    for (let i = 0; i < this.#answerWords.length; i += 1) {
      const at = this.#answerWords[i] as number;
      if (at < 0) continue;
      if (!isAnswer(words, at) || answerStatus(words, at) !== 0) throw new Error("a command was refused");
      words[at + HEADER_WORDS - 1] = 1;
    }
    this.batches += 1;
    this.#sent = 0;
    this.#received = 0;
  }

  close(): void {
    this.stream.close();
    systemMemory.free(this.#out);
    systemMemory.free(this.#in);
  }
}
