import type { Borrowed } from "../ports/memory.ts";
import { MAX_PAYLOAD_BYTES, OPCODE } from "../wire/header.ts";

/** Accesses of up to this many bytes travel in the header. */
export const INLINE_BYTES = 8;

// What a transfer's status is where no command was refused.
const SUCCESS = 0;

/**
 * One access under way on a data connection: one command, or several where it is longer than a payload may be.
 * Reusable: `reset` makes it a new one, so the Sync forms allocate none.
 */
export class Transfer {
  opcode = 0;
  flags = 0;
  handle = 0;
  offset = 0;
  length = 0;
  operandLow = 0;
  operandHigh = 0;
  compareLow = 0;
  compareHigh = 0;
  /** The caller's bytes, source of a put and sink of a get; undefined where the value is all there is. */
  bytes: Uint8Array | undefined = undefined;
  /** The same bytes for the stream; needed above INLINE_BYTES. */
  memory: Borrowed | undefined = undefined;
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
  /** Called once when it has settled; set by promise forms. */
  onSettled: ((transfer: Transfer) => void) | undefined = undefined;

  reset(opcode: number, flags: number, handle: number, offset: number, length: number): this {
    this.opcode = opcode;
    this.flags = flags;
    this.handle = handle;
    this.offset = offset;
    this.length = length;
    this.operandLow = 0;
    this.operandHigh = 0;
    this.compareLow = 0;
    this.compareHigh = 0;
    this.bytes = undefined;
    this.memory = undefined;
    this.issuedBytes = 0;
    this.issued = false;
    this.commandsInFlight = 0;
    this.status = SUCCESS;
    this.lost = false;
    this.settled = false;
    this.abandoned = false;
    this.valueLow = 0;
    this.valueHigh = 0;
    this.onSettled = undefined;
    return this;
  }

  /** Changes something at the target. */
  get writes(): boolean {
    return this.opcode !== OPCODE.GET && this.opcode !== OPCODE.FLUSH;
  }

  /** Bytes that the next command covers. */
  nextLength(): number {
    return Math.min(this.length - this.issuedBytes, MAX_PAYLOAD_BYTES);
  }
}
