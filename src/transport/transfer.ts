import type { Borrowed } from "../ports/memory.ts";
import { MAX_PAYLOAD_BYTES, OPCODE } from "../wire/header.ts";

/** Accesses of up to this many bytes travel in the header. */
export const INLINE_BYTES = 8;

// What a transfer's status is where no command was refused.
const SUCCESS = 0;

const NO_BYTES = new Uint8Array(0);

/** A binding reached over a data connection, and what of it the target has not answered. */
export class RemoteBinding {
  /** Of the window, at the target. */
  readonly handle: number;
  /** Transfers that have not settled, those given up included: all, and those that change bytes. */
  pending = 0;
  pendingWrites = 0;

  constructor(handle: number) {
    this.handle = handle;
  }
}

/**
 * One access under way on a data connection: one command, or several where it is longer than a payload may be.
 * Reusable: `reset` makes it a new one, so Sync forms and batches allocate none. It stands for the caller's bytes
 * where those are sent or received.
 */
export class Transfer implements Borrowed {
  opcode = 0;
  flags = 0;
  /** What it goes through; undefined for what concerns the connection. */
  binding: RemoteBinding | undefined = undefined;
  offset = 0;
  length = 0;
  operandLow = 0;
  operandHigh = 0;
  compareLow = 0;
  compareHigh = 0;
  /** Of an access that notifies: the tag. */
  notification = 0;
  /** Of a put that notifies: its number among the connection's commands, and whether its bytes are known to be in place. */
  number = 0;
  landed = false;
  /** The caller's buffer, source of a put and sink of a get; empty where a value is all there is. */
  u8: Uint8Array = NO_BYTES;
  /** Of the buffer; needed above INLINE_BYTES. */
  address = 0;
  /** Where in the buffer the `length` bytes begin. */
  start = 0;
  /** Bytes asked for in commands so far. */
  issuedBytes = 0;
  issued = false;
  commandsInFlight = 0;
  /** 0, or the first status that a command came back with. */
  status = SUCCESS;
  /** True where the connection ended before the answer. */
  lost = false;
  settled = false;
  abandoned = false;
  valueLow = 0;
  valueHigh = 0;
  /** Bytes that came behind the answer, where they may be fewer than `length`. */
  answerBytes = 0;
  /** Called once when it has settled; set by promise forms and batches. */
  onSettled: ((transfer: Transfer) => void) | undefined = undefined;
  /** Its neighbours among those that wait to be issued; the connection's. */
  older: Transfer | undefined = undefined;
  newer: Transfer | undefined = undefined;

  reset(opcode: number, flags: number, offset: number, length: number): this {
    this.opcode = opcode;
    this.flags = flags;
    this.binding = undefined;
    this.offset = offset;
    this.length = length;
    this.operandLow = 0;
    this.operandHigh = 0;
    this.compareLow = 0;
    this.compareHigh = 0;
    this.notification = 0;
    this.landed = false;
    this.u8 = NO_BYTES;
    this.address = 0;
    this.start = 0;
    this.issuedBytes = 0;
    this.issued = false;
    this.commandsInFlight = 0;
    this.status = SUCCESS;
    this.lost = false;
    this.settled = false;
    this.abandoned = false;
    this.valueLow = 0;
    this.valueHigh = 0;
    this.answerBytes = 0;
    this.onSettled = undefined;
    return this;
  }

  /** The caller's bytes begin at `start` of `buffer`. */
  lend(buffer: Uint8Array, start: number): this {
    this.u8 = buffer;
    this.start = start;
    return this;
  }

  /** Lets go of the caller's buffer. */
  release(): void {
    this.u8 = NO_BYTES;
  }

  get hasBytes(): boolean {
    return this.u8 !== NO_BYTES;
  }

  /** Changes bytes, or what becomes of epochs. */
  get writes(): boolean {
    return !this.reads && this.opcode !== OPCODE.FLUSH && !this.movesNothing && !this.queues;
  }

  /** Tells of bytes that its caller has stored to a mapping. */
  get tells(): boolean {
    return this.opcode === OPCODE.WORDS_TOUCHED;
  }

  get reads(): boolean {
    return (
      this.opcode === OPCODE.GET || this.opcode === OPCODE.EPOCH_GET || this.opcode === OPCODE.GET_NOTIFY
    );
  }

  get notifies(): boolean {
    return this.opcode === OPCODE.PUT_NOTIFY || this.opcode === OPCODE.GET_NOTIFY;
  }

  /** Its answer overtakes none, and is overtaken by none, of others of these. */
  get keepsOrder(): boolean {
    return this.opcode >= OPCODE.GET && this.opcode <= OPCODE.ACCUMULATE;
  }

  /** Concerns a queue of notifications, and no byte. */
  get queues(): boolean {
    const { opcode } = this;
    return opcode === OPCODE.NOTIFY_NEXT || opcode === OPCODE.QUEUE_OPEN || opcode === OPCODE.QUEUE_CLOSE;
  }

  /** Concerns a lock, or who waits for a word: it is one command, and moves no byte. */
  get movesNothing(): boolean {
    return (
      this.opcode === OPCODE.LOCK ||
      this.opcode === OPCODE.UNLOCK ||
      this.opcode === OPCODE.WORD_WAIT ||
      this.opcode === OPCODE.WORDS_TOUCHED
    );
  }

  /** Concerns a group, and no byte. */
  get groups(): boolean {
    return this.opcode >= OPCODE.GROUP_JOIN && this.opcode <= OPCODE.GROUP_LEAVE;
  }

  /** Bytes that the next command covers. */
  nextLength(): number {
    const left = this.length - this.issuedBytes;
    if (left <= MAX_PAYLOAD_BYTES || this.movesNothing || this.groups) return left;
    return MAX_PAYLOAD_BYTES;
  }
}
