import type { Memory, MemoryPort } from "../ports/memory.ts";
import type { Stream } from "../ports/network.ts";
import { READABLE, WRITABLE } from "../ports/poller.ts";
import { SendQueue } from "../transport/send-queue.ts";
import { encodeAnswer, HEADER_BYTES } from "../wire/header.ts";
import { RANGE } from "./statuses.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** What a connection expects next. */
export const HEADER = 0;
/** The payload of a PUT, which goes into the region. */
export const PUT_PAYLOAD = 1;
/** The payload of an ACCUMULATE, element by element. */
export const ACCUMULATE_PAYLOAD = 2;
/** The payload of a command that was refused. */
export const REFUSED_PAYLOAD = 3;

/** Bytes that one receive takes in at most, besides payload that goes straight into a region. */
export const STAGING_BYTES: number = 64 << 10;
/** Answers that may be queued at a time; a power of two. */
const ANSWERS_MAX = 256;
/** With this much queued no further command is read: bounds what one step sends, not memory (payload is not copied). */
const QUEUED_BYTES_MAX = 1 << 20;
/** Stable flushes of one connection that may be under way. */
const FLUSHES_MAX = 64;

/** One data connection of one session, as its worker sees it. */
export class Connection {
  readonly stream: Stream;
  readonly isUnix: boolean;
  /** Its number in the poller and in the worker's table. */
  readonly slot: number;
  readonly openedMs: number;
  readonly queue: SendQueue;
  readonly #memoryPort: MemoryPort;
  /** What has arrived: bytes from `begin` to `end`. A header's room behind STAGING_BYTES takes a misaligned header. */
  readonly staging: Memory;
  begin = 0;
  end = 0;
  session: WorkerSession | undefined = undefined;
  closed = false;
  /** Is to be closed once its last answers have left. */
  ending = false;
  /** In the worker's list of connections that are stepped. */
  active = false;
  idleRounds = 0;
  /** What the poller watches it for. */
  interest = 0;
  /** Reads no further: no room for answers, or a write must not overtake a get whose bytes have not left yet. */
  stalled = false;
  pendingFlushes = 0;
  /** True since a payload was queued and until the queue was empty. */
  payloadQueued = false;

  // The command whose payload is arriving.
  phase: number = HEADER;
  /** Bytes of payload still to come. */
  left = 0;
  opcode = 0;
  tag = 0;
  handle = 0;
  status = 0;
  op = 0;
  word = 0;
  region: WorkerRegion | undefined = undefined;
  /** Where the next byte of payload goes in the region. */
  at = 0;

  constructor(stream: Stream, isUnix: boolean, slot: number, nowMs: number, memoryPort: MemoryPort) {
    this.stream = stream;
    this.isUnix = isUnix;
    this.slot = slot;
    this.openedMs = nowMs;
    this.#memoryPort = memoryPort;
    this.queue = new SendQueue(memoryPort, ANSWERS_MAX);
    this.staging = memoryPort.allocate(STAGING_BYTES + HEADER_BYTES);
  }

  /** True while another command may be read: whatever it is, it can be answered. */
  mayRead(): boolean {
    return this.queue.hasRoom() && this.queue.bytes < QUEUED_BYTES_MAX && this.pendingFlushes < FLUSHES_MAX;
  }

  /** True while another answer fits. */
  hasRoom(): boolean {
    return this.queue.hasRoom();
  }

  /** Queues an answer's header, where the queue has room. @returns its first word in the queue's headerWords */
  answer(opcode: number, tag: number, status: number, payloadBytes: number): number {
    const at = this.queue.pushHeader();
    encodeAnswer(this.queue.headerWords, at, opcode, tag, status, payloadBytes);
    return at;
  }

  /** True while bytes of the region from `at` are still to be sent, so that they must not change. */
  isQueued(memory: Memory, at: number, length: number): boolean {
    if (!this.payloadQueued) return false;
    const { memories, starts, lengths, first, count, capacity } = this.queue;
    for (let i = 0; i < count; i += 1) {
      const entry = (first + i) % capacity;
      const start = starts[entry] as number;
      if (memories[entry] === memory && start < at + length && at < start + (lengths[entry] as number)) {
        return true;
      }
    }
    return false;
  }

  /** Copies what is still to be sent from the region. */
  copyOut(region: WorkerRegion): void {
    this.queue.copyOut(region.memory);
  }

  /** Nothing that was accepted is left to be done or answered. */
  settled(): boolean {
    return this.queue.count === 0 && this.pendingFlushes === 0 && !this.stalled && this.phase === HEADER;
  }

  /** What has not arrived yet is not taken, where it would go behind the region's first `byteLength` bytes. */
  cutPayload(region: WorkerRegion, byteLength: number): void {
    if (this.region === region && this.left > 0 && this.at + this.left > byteLength)
      this.refusePayload(RANGE);
  }

  /** What is left of the payload that is arriving is dropped, and answered with `status`. */
  refusePayload(status: number): void {
    this.phase = REFUSED_PAYLOAD;
    this.status = status;
    this.region = undefined;
  }

  wantedInterest(): number {
    const sending = this.queue.count > 0;
    // A stall that sending has ended since is over with the next step; telling the poller would be two calls for nothing.
    const halted = this.stalled && (sending || this.pendingFlushes >= FLUSHES_MAX);
    return (halted || this.ending ? 0 : READABLE) | (sending ? WRITABLE : 0);
  }

  close(): void {
    this.closed = true;
    this.region = undefined;
    this.stream.close();
    this.queue.close();
    this.#memoryPort.free(this.staging);
  }
}
