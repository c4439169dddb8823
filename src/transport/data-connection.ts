import type { Memory, MemoryPort } from "../ports/memory.ts";
import { ENDED, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import {
  answerPayloadBytes,
  answerStatus,
  encodeCommand,
  encodeCompare,
  encodeNotification,
  encodeOperand,
  HEADER_BYTES,
  headerTag,
  isAnswer,
  OPCODE,
  TOKEN_BYTES,
  valueAt,
} from "../wire/header.ts";
import { NOTIFY_PLACED } from "../wire/ops.ts";
import { Backlog } from "./backlog.ts";
import { SendQueue } from "./send-queue.ts";
import { INLINE_BYTES, type RemoteBinding, type Transfer } from "./transfer.ts";

/** Commands that may be unanswered at a time; a power of two. */
const SLOTS = 512;
const STAGING_BYTES = 64 << 10;

/**
 * The origin's end of a data connection: issues the commands of transfers in the order they were submitted, matches
 * answers by tag, and moves payloads between the stream and the callers' buffers. Stepped by `poll`; allocates nothing
 * after construction. Used by one thread.
 *
 * A tag is slot + SLOTS × the slot's use count, so an answer that comes twice is recognised.
 */
export class DataConnection {
  readonly stream: Stream;
  /** True once the stream has ended or the peer broke the protocol; every transfer then settles as lost. */
  ended = false;
  /** Transfers submitted and not settled. */
  outstanding = 0;
  /** Requests for locks that were made on it, and those of them that wait. */
  lockCount = 0;
  waitingLocks = 0;
  /** Queues of notifications that were opened on it. */
  queueCount = 0;
  /** Waits for words that have no answer, those given up included. */
  wordWaits = 0;
  /** Called once when it has ended, unless by `close`. */
  onEnd: (() => void) | undefined = undefined;
  readonly #memoryPort: MemoryPort;
  readonly #queue: SendQueue;
  readonly #staging: Memory;
  #stagedTo = 0;
  /** Transfers whose commands have not all been issued. */
  readonly #backlog = new Backlog();
  readonly #transfers: (Transfer | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #tags = new Uint32Array(SLOTS);
  /** Where in the caller's buffer each slot's command begins, and how many bytes it covers. */
  readonly #sinkAts = new Float64Array(SLOTS);
  readonly #lengths = new Float64Array(SLOTS);
  /** How many bytes have left this connection once each slot's command has. */
  readonly #endAts = new Float64Array(SLOTS);
  readonly #freeSlots = new Uint16Array(SLOTS);
  #freeCount = SLOTS;
  /** Commands issued, and of each slot's command its number among them. */
  #issued = 0;
  readonly #numbers = new Float64Array(SLOTS);
  /** Puts that notify and have no answer: their bytes are in place long before, where a reader is slow. Oldest first. */
  readonly #notifying: Transfer[] = [];
  /** The slot whose payload is being received, and how much of it is still to come. */
  #payloadSlot = -1;
  #payloadLeft = 0;

  constructor(stream: Stream, memoryPort: MemoryPort) {
    this.stream = stream;
    this.#memoryPort = memoryPort;
    this.#queue = new SendQueue(memoryPort, SLOTS);
    this.#staging = memoryPort.allocate(STAGING_BYTES);
    for (let i = 0; i < SLOTS; i++) this.#freeSlots[i] = i;
  }

  /** True while bytes wait for room in the socket. */
  get sending(): boolean {
    return this.#queue.bytes > 0;
  }

  /** Ties this connection to a session; the first thing to be submitted. Its answer is awaited like any other. */
  hello(transfer: Transfer, session: number, token: Uint8Array): void {
    assert(token.byteLength === TOKEN_BYTES, "a token has TOKEN_BYTES bytes");
    transfer.reset(OPCODE.HELLO, 0, 0, TOKEN_BYTES).lend(token, 0);
    transfer.address = this.#memoryPort.addressOf(token);
    transfer.operandLow = session;
    this.submit(transfer);
  }

  /**
   * Takes `transfer` on; it settles in a later `poll`, or at once where the connection has ended. Alone, it leaves at
   * once; behind others it leaves with them, in the next poll.
   */
  submit(transfer: Transfer): void {
    this.enqueue(transfer);
    if (this.outstanding === 1 && this.#flush() === ENDED) this.end();
  }

  /** Like `submit`, but it leaves in the next poll, with what comes behind it until then. */
  enqueue(transfer: Transfer): void {
    this.outstanding += 1;
    if (transfer.binding !== undefined) count(transfer, 1);
    if (transfer.opcode === OPCODE.WORD_WAIT) this.wordWaits += 1;
    this.#backlog.push(transfer);
    if (this.ended) this.#failAll();
    else this.#issue();
  }

  /** Sends and receives what can be sent and received now. @returns bytes moved; 0 when there was nothing to do */
  poll(): number {
    if (this.ended) return 0;
    let moved = 0;
    if (this.#queue.count > 0) {
      const sent = this.#flush();
      if (sent === ENDED) return this.end();
      if (sent > 0) moved += sent;
    }
    const received = this.#receive();
    if (received === ENDED) return this.end();
    if (this.#backlog.oldest !== undefined) this.#issue();
    return moved + received;
  }

  /**
   * Gives up waiting for `transfer`: the caller's bytes are not touched from now on, late answers are dropped.
   * @returns true when no command of it was issued, so that it certainly had no effect
   */
  abandon(transfer: Transfer): boolean {
    const waited = this.#backlog.remove(transfer);
    if (waited && transfer.issuedBytes === 0) {
      this.#settle(transfer);
      return true;
    }
    transfer.abandoned = true;
    transfer.issued = true;
    // A message about an epoch was made for it alone, so that nobody changes it.
    if (transfer.writes && transfer.opcode !== OPCODE.EPOCH) this.#queue.copyOut(transfer);
    if (transfer.commandsInFlight === 0) this.#settle(transfer);
    return false;
  }

  /** Frees what it holds; transfers under way settle as lost. The stream stays open: its owner closes it. */
  close(): void {
    this.onEnd = undefined;
    this.end();
    this.#queue.close();
    this.#memoryPort.free(this.#staging);
  }

  #issue(): void {
    for (
      let transfer = this.#backlog.oldest;
      transfer !== undefined && this.#freeCount > 0 && this.#queue.hasRoom();
      transfer = this.#backlog.oldest
    ) {
      this.#issueOne(transfer);
      if (transfer.issued) this.#backlog.remove(transfer);
    }
  }

  #issueOne(transfer: Transfer): void {
    const opcode = transfer.opcode;
    const length = transfer.nextLength();
    const from = transfer.issuedBytes;
    const isPlaced = opcode === OPCODE.PUT_NOTIFY && transfer.flags === NOTIFY_PLACED;
    const puts = opcode === OPCODE.PUT || (opcode === OPCODE.PUT_NOTIFY && !isPlaced);
    const carries =
      opcode === OPCODE.ACCUMULATE ||
      opcode === OPCODE.HELLO ||
      opcode === OPCODE.EPOCH ||
      opcode === OPCODE.QUEUE_OPEN;
    const payloadBytes = carries || (puts && length > INLINE_BYTES) ? length : 0;
    this.#freeCount -= 1;
    const slot = this.#freeSlots[this.#freeCount] as number;
    const tag = ((this.#tags[slot] as number) + SLOTS) >>> 0;
    this.#tags[slot] = ((tag & ~(SLOTS - 1)) | slot) >>> 0;
    this.#transfers[slot] = transfer;
    this.#issued += 1;
    this.#numbers[slot] = this.#issued;
    if (opcode === OPCODE.PUT_NOTIFY) {
      transfer.number = this.#issued;
      this.#notifying.push(transfer);
    }
    this.#sinkAts[slot] = transfer.start + from;
    this.#lengths[slot] = length;
    const words = this.#queue.headerWords;
    const at = this.#queue.pushHeader();
    encodeCommand(
      words,
      at,
      opcode,
      transfer.flags,
      this.#tags[slot] as number,
      transfer.binding === undefined ? 0 : transfer.binding.handle,
      transfer.offset + from,
      length,
      payloadBytes,
    );
    if (payloadBytes > 0) {
      if (opcode === OPCODE.HELLO) encodeOperand(words, at, transfer.operandLow, transfer.operandHigh);
      this.#queue.pushPayload(transfer, transfer.start + from, payloadBytes);
    } else if (puts && transfer.hasBytes) {
      // Also the last few bytes of a long put travel so.
      const { u8 } = transfer;
      const begin = transfer.start + from;
      encodeOperand(words, at, readWord(u8, begin, length), readWord(u8, begin + 4, length - 4));
    } else {
      encodeOperand(words, at, transfer.operandLow, transfer.operandHigh);
      encodeCompare(words, at, transfer.compareLow, transfer.compareHigh);
    }
    if (transfer.notifies) {
      encodeNotification(words, at, transfer.notification);
      encodeCompare(words, at, transfer.compareLow, transfer.compareHigh);
    }
    this.#endAts[slot] = this.#queue.sentBytes + this.#queue.bytes;
    transfer.issuedBytes = from + length;
    transfer.issued = transfer.issuedBytes >= transfer.length;
    transfer.commandsInFlight += 1;
  }

  #flush(): number {
    try {
      return this.#queue.flush(this.stream);
    } catch (error) {
      // A caller's buffer went while it was on its way, a view of a window that was closed, say. The rest of its
      // command cannot be sent, and so nothing behind it.
      if (this.#queue.lacksBytes()) return ENDED;
      throw error;
    }
  }

  #receive(): number {
    let total = 0;
    for (;;) {
      let count: number;
      if (this.#payloadLeft > 0) {
        count = this.#receivePayload();
      } else {
        count = this.stream.recv(this.#staging, this.#stagedTo, STAGING_BYTES - this.#stagedTo);
        if (count > 0) {
          this.#stagedTo += count;
          if (!this.#parse()) return ENDED;
        }
      }
      if (count === WOULD_BLOCK) return total;
      if (count === ENDED) return ENDED;
      total += count;
      // One call took all there was: asking again would only cost another.
      if (this.#payloadLeft === 0 && this.#stagedTo < STAGING_BYTES) return total;
    }
  }

  /** Payload straight into the caller's bytes, or into the staging memory where nobody wants it any more. */
  #receivePayload(): number {
    const slot = this.#payloadSlot;
    const transfer = this.#transfers[slot] as Transfer;
    const done = (this.#lengths[slot] as number) - this.#payloadLeft;
    const count = isSink(transfer)
      ? this.stream.recv(transfer, (this.#sinkAts[slot] as number) + done, this.#payloadLeft)
      : this.stream.recv(this.#staging, 0, Math.min(this.#payloadLeft, STAGING_BYTES));
    if (count > 0) this.#payloadCame(slot, count);
    return count;
  }

  #payloadCame(slot: number, count: number): void {
    this.#payloadLeft -= count;
    if (this.#payloadLeft === 0) {
      this.#payloadSlot = -1;
      this.#commandDone(slot);
    }
  }

  /** Takes the answers that lie in the staging memory. @returns false when the peer broke the protocol */
  #parse(): boolean {
    const words = this.#staging.i32;
    const bytes = this.#staging.u8;
    let from = 0;
    while (this.#stagedTo - from >= HEADER_BYTES) {
      // Payloads of odd length leave the next header unaligned: move it to the front, where words can be read.
      if ((from & 3) !== 0) {
        bytes.copyWithin(0, from, this.#stagedTo);
        this.#stagedTo -= from;
        from = 0;
      }
      const at = from >> 2;
      const tag = headerTag(words, at);
      const slot = tag & (SLOTS - 1);
      const transfer = this.#transfers[slot];
      if (!isAnswer(words, at) || transfer === undefined || this.#tags[slot] !== tag) return false;
      // Answered before it was asked: its bytes are still needed, so it must not settle.
      if ((this.#endAts[slot] as number) > this.#queue.sentBytes) return false;
      const status = answerStatus(words, at);
      const payloadBytes = answerPayloadBytes(words, at);
      const length = this.#lengths[slot] as number;
      let expected = status === 0 && comesAsPayload(transfer.opcode, length) ? length : 0;
      if (transfer.opcode === OPCODE.NOTIFY_NEXT) {
        if (payloadBytes > expected) return false;
        // As much as there was to tell.
        expected = payloadBytes;
        this.#lengths[slot] = payloadBytes;
        transfer.answerBytes = payloadBytes;
      } else if (payloadBytes !== expected) return false;
      if (status !== 0 && transfer.status === 0) transfer.status = status;
      const value = valueAt(at);
      transfer.valueLow = words[value] as number;
      transfer.valueHigh = words[value + 1] as number;
      from += HEADER_BYTES;
      if (expected === 0) {
        if (comesInValue(transfer.opcode) && transfer.hasBytes && status === 0 && !transfer.abandoned) {
          const sinkAt = this.#sinkAts[slot] as number;
          writeWords(transfer.u8, sinkAt, length, transfer.valueLow, transfer.valueHigh);
        }
        this.#commandDone(slot);
        continue;
      }
      const here = Math.min(expected, this.#stagedTo - from);
      if (here > 0 && isSink(transfer))
        this.#memoryPort.copy(this.#staging, from, transfer, this.#sinkAts[slot] as number, here);
      from += here;
      this.#payloadSlot = slot;
      this.#payloadLeft = expected;
      this.#payloadCame(slot, here);
    }
    if (from === this.#stagedTo) {
      this.#stagedTo = 0;
    } else {
      // Part of a header is left: keep it at the front.
      bytes.copyWithin(0, from, this.#stagedTo);
      this.#stagedTo -= from;
    }
    return true;
  }

  #commandDone(slot: number): void {
    const transfer = this.#transfers[slot] as Transfer;
    if (this.#notifying.length > 0) this.#passed(transfer, this.#numbers[slot] as number);
    this.#transfers[slot] = undefined;
    this.#freeSlots[this.#freeCount] = slot;
    this.#freeCount += 1;
    transfer.commandsInFlight -= 1;
    if (transfer.issued && transfer.commandsInFlight === 0) this.#settle(transfer);
  }

  /** Answers to accesses that move bytes keep the order of issue: what was issued before one of them has moved its own. */
  #passed(transfer: Transfer, number: number): void {
    if (transfer.opcode === OPCODE.PUT_NOTIFY) {
      this.#notifying.splice(this.#notifying.indexOf(transfer), 1);
      return;
    }
    if (!transfer.keepsOrder) return;
    for (const before of this.#notifying) {
      if (before.number > number) break;
      if (before.landed) continue;
      before.landed = true;
      (before.binding as RemoteBinding).pendingWrites -= 1;
    }
  }

  #settle(transfer: Transfer): void {
    this.outstanding -= 1;
    if (transfer.binding !== undefined) count(transfer, -1);
    if (transfer.opcode === OPCODE.WORD_WAIT) this.wordWaits -= 1;
    transfer.settled = true;
    transfer.onSettled?.(transfer);
  }

  /** Ends it from this side: every transfer settles as lost. @returns 0, as `poll` does on an ended connection */
  end(): number {
    if (this.ended) return 0;
    this.ended = true;
    this.#failAll();
    this.onEnd?.();
    return 0;
  }

  #failAll(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const transfer = this.#transfers[slot];
      if (transfer === undefined) continue;
      this.#transfers[slot] = undefined;
      transfer.lost = true;
      transfer.commandsInFlight -= 1;
      if (transfer.issued && transfer.commandsInFlight === 0) this.#settle(transfer);
    }
    for (let transfer = this.#backlog.oldest; transfer !== undefined; transfer = this.#backlog.oldest) {
      this.#backlog.remove(transfer);
      transfer.lost = true;
      this.#settle(transfer);
    }
  }
}

/** Its binding has one more, or one less, under way. */
function count(transfer: Transfer, change: 1 | -1): void {
  const binding = transfer.binding as RemoteBinding;
  binding.pending += change;
  if (transfer.writes && !transfer.landed) binding.pendingWrites += change;
}

/** Whether the bytes that a command asks for come behind the answer. */
function comesAsPayload(opcode: number, length: number): boolean {
  if (comesInValue(opcode)) return length > INLINE_BYTES;
  return opcode === OPCODE.EPOCH_GET || opcode === OPCODE.NOTIFY_NEXT;
}

/** Whether they come in the answer's value where they are few. */
function comesInValue(opcode: number): boolean {
  return opcode === OPCODE.GET || opcode === OPCODE.GET_NOTIFY;
}

/** False when the caller of a get has given up, or has detached the buffer. */
function isSink({ u8, abandoned }: Transfer): boolean {
  return !abandoned && u8.byteLength > 0;
}

/** Up to four bytes as a little-endian word. */
function readWord(bytes: Uint8Array, from: number, length: number): number {
  let word = 0;
  for (let i = 0; i < 4 && i < length; i++) word |= (bytes[from + i] as number) << (8 * i);
  return word;
}

/** Up to eight bytes from two little-endian words. */
function writeWords(bytes: Uint8Array, from: number, length: number, low: number, high: number): void {
  for (let i = 0; i < length; i++) bytes[from + i] = (i < 4 ? low >>> (8 * i) : high >>> (8 * i - 32)) & 0xff;
}
