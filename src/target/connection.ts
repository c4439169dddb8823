import type { Memory } from "../ports/memory.ts";
import type { Stream } from "../ports/network.ts";
import { READABLE, WRITABLE } from "../ports/poller.ts";
import { SendQueue } from "../transport/send-queue.ts";
import { encodeAnswer } from "../wire/header.ts";
import { RANGE } from "./statuses.ts";
import { ANSWERS_MAX, type WorkerMemory } from "./worker-memory.ts";
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
/** A message that is read once it is whole: about an epoch, or a queue that is to be opened. */
export const MESSAGE_PAYLOAD = 4;

/** With this much queued no further command is read: bounds what one step sends, not memory (payload is not copied). */
const QUEUED_BYTES_MAX = 1 << 20;
/** Stable flushes of one connection that may be under way. */
const FLUSHES_MAX = 64;

/** Bytes of a region that a write waits for. */
interface Awaited {
  readonly region: WorkerRegion;
  readonly at: number;
  readonly length: number;
}

/** One data connection of one session, as its worker sees it. */
export class Connection {
  readonly stream: Stream;
  readonly isUnix: boolean;
  /** Its number in the poller and in the worker's table. */
  readonly slot: number;
  readonly queue: SendQueue;
  readonly #memory: WorkerMemory;
  /** What has arrived: bytes from `begin` to `end`. There while a step receives, and as long as something is left in it. */
  staging: Memory | undefined = undefined;
  begin = 0;
  end = 0;
  session: WorkerSession | undefined = undefined;
  closed = false;
  /**
   * Was turned away: nothing is read from it any more, and sending ends with the answers that say why. It is closed when it
   * leaves, or with the strangers: a close while it still sends would reach it before the reason does.
   */
  ending = false;
  /** In one of the worker's lists of connections that are stepped. */
  active = false;
  /** Its last turn moved all that a turn may: there is likely more. */
  backlogged = false;
  idleRounds = 0;
  /** When the bytes that came last came, on the worker's clock. */
  receivedMs = 0;
  /** What the poller watches it for. */
  interest = 0;
  /** Reads no further: no room for answers, or a write must not overtake a get whose bytes have not left yet. */
  stalled = false;
  pendingFlushes = 0;
  /** Commands that wait for what others do, see waiting-commands.ts. */
  pendingWaits = 0;
  /** Messages about epochs that have no answer yet. */
  pendingEpochs = 0;
  /** Stalled until no epoch holds a line that its next command writes. */
  awaitsLine = false;
  /** What of a region that command writes; until its next turn, so that no other epoch takes the lines before it. */
  awaited: Awaited | undefined = undefined;
  #copiedBytes = 0;
  /** What the queue has sent by the time that none of the copies is in it. */
  #copiedUntil = 0;
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
  /** Why a command was refused last. */
  refusal = 0;
  op = 0;
  word = 0;
  region: WorkerRegion | undefined = undefined;
  /** Where the payload begins in the region, and where its next byte goes. */
  from = 0;
  at = 0;
  /** Of a PUT_NOTIFY: the notification's tag, and bytes of the access that earlier commands have put. */
  noticeTag = 0;
  before = 0;
  /** A message, as far as it has come. */
  message: Uint8Array | undefined = undefined;

  constructor(stream: Stream, isUnix: boolean, slot: number, memory: WorkerMemory) {
    this.stream = stream;
    this.isUnix = isUnix;
    this.slot = slot;
    this.#memory = memory;
    this.queue = new SendQueue(memory.port, ANSWERS_MAX, memory.answerRooms);
  }

  /** Memory to receive into. */
  openStaging(): Memory {
    this.staging ??= this.#memory.stagings.take();
    return this.staging;
  }

  /** Leaves the memory to others, where nothing is left in it. */
  closeStaging(): void {
    if (this.staging === undefined || this.begin !== this.end) return;
    this.begin = 0;
    this.end = 0;
    this.#memory.stagings.give(this.staging);
    this.staging = undefined;
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
      const entry = (first + i) & (capacity - 1);
      const start = starts[entry] as number;
      if (memories[entry] === memory && start < at + length && at < start + (lengths[entry] as number)) {
        return true;
      }
    }
    return false;
  }

  /** Bytes that are still to be sent from there. */
  queuedBytes(memory: Memory): number {
    const { memories, lengths, first, count, capacity } = this.queue;
    let bytes = 0;
    for (let i = 0; i < count; i += 1) {
      const entry = (first + i) & (capacity - 1);
      if (memories[entry] === memory) bytes += lengths[entry] as number;
    }
    return bytes;
  }

  /** Copies what is still to be sent from there. */
  copyOut(memory: Memory): void {
    this.copied(this.queuedBytes(memory));
    this.queue.copyOut(memory);
  }

  /** So many bytes of what is still to be sent are copies. */
  copied(bytes: number): void {
    this.#copiedBytes = this.copiedBytes + bytes;
    this.#copiedUntil = this.queue.sentBytes + this.queue.bytes;
  }

  /** Bytes of copies that it keeps; all of them until the last one has left. */
  get copiedBytes(): number {
    return this.queue.sentBytes < this.#copiedUntil ? this.#copiedBytes : 0;
  }

  /** Commands that were executed and have no answer yet. */
  get unanswered(): number {
    return this.pendingFlushes + this.pendingWaits + this.pendingEpochs + (this.phase === HEADER ? 0 : 1);
  }

  /** Nothing that was accepted is left to be done or answered. */
  settled(): boolean {
    const answered = this.pendingFlushes + this.pendingEpochs === 0;
    return this.queue.count === 0 && answered && !this.stalled && this.phase === HEADER;
  }

  /** What has not arrived yet is not taken, where it would go behind the region's first `byteLength` bytes. */
  cutPayload(region: WorkerRegion, byteLength: number): void {
    if (this.region === region && this.left > 0 && this.at + this.left > byteLength)
      this.refusePayload(RANGE);
  }

  /** What is left of the payload that is arriving is dropped, and answered with `status`. */
  refusePayload(status: number): void {
    this.countWritten();
    this.phase = REFUSED_PAYLOAD;
    this.status = status;
    this.region = undefined;
  }

  /** Waits for what the poller or a sync will tell. */
  get halted(): boolean {
    return (this.interest & READABLE) === 0;
  }

  wantedInterest(): number {
    const sending = this.queue.count > 0;
    // A stall that sending has ended since is over with the next step; telling the poller would be two calls for nothing.
    const halted = this.stalled && (sending || this.awaitsLine || this.pendingFlushes >= FLUSHES_MAX);
    return (halted || this.ending ? 0 : READABLE) | (sending ? WRITABLE : 0);
  }

  /** What has come of a payload has been written. */
  countWritten(): void {
    this.region?.written(this.from, this.at - this.from);
  }

  close(): void {
    this.closed = true;
    this.countWritten();
    this.region = undefined;
    this.stream.close();
    this.queue.close();
    this.begin = this.end;
    this.closeStaging();
  }
}
