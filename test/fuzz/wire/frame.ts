/**
 * Commands as bytes. Written from the layout that src/wire/header.ts draws, and not with its functions: what reads a
 * field wrongly there must not be wrong here in the same way.
 */
export const HEADER = 64;
export const PAYLOAD_MAX = 2 ** 20;
export const TOKEN = 32;

export const AT = {
  magic: 0,
  version: 2,
  opcode: 3,
  flags: 4,
  zero: 6,
  tag: 8,
  handle: 12,
  offset: 16,
  length: 24,
  operand: 32,
  compare: 40,
  notification: 48,
  payloadBytes: 56,
  lastZero: 60,
} as const;

export const MAGIC = 0xd1da;
export const VERSION = 1;

export const OPCODES = {
  HELLO: 1,
  GET: 2,
  PUT: 3,
  FETCH_OP: 4,
  COMPARE_AND_SWAP: 5,
  ACCUMULATE: 6,
  FLUSH: 7,
  LOCK: 8,
  UNLOCK: 9,
  EPOCH_GET: 10,
  EPOCH: 11,
  PUT_NOTIFY: 12,
  GET_NOTIFY: 13,
  QUEUE_OPEN: 14,
  QUEUE_CLOSE: 15,
  NOTIFY_NEXT: 16,
  WORD_WAIT: 17,
  WORDS_TOUCHED: 21,
  GROUP_JOIN: 18,
  GROUP_BARRIER: 19,
  GROUP_LEAVE: 20,
} as const;

export const ACCESSES: readonly number[] = Object.values(OPCODES).filter((code) => code !== OPCODES.HELLO);

export function opcodeName(opcode: number): string {
  return Object.entries(OPCODES).find(([, code]) => code === opcode)?.[0] ?? `opcode ${opcode}`;
}

/** Bytes of a word by its number: i64, u64, i32, u32, f64. */
export const WORD_SIZES: readonly number[] = [8, 8, 4, 4, 8];
export const OP_COUNT = 7;

const TWO_32 = 2 ** 32;

/** Frames one behind the other, as they are to be sent. */
export class Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Bytes written. */
  end = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  get room(): number {
    return this.bytes.length - this.end;
  }

  /** Begins a frame. @returns where it lies */
  header(opcode: number, tag: number, handle: number): number {
    const at = this.end;
    this.bytes.fill(0, at, at + HEADER);
    this.view.setUint16(at + AT.magic, MAGIC, true);
    this.bytes[at + AT.version] = VERSION;
    this.bytes[at + AT.opcode] = opcode;
    this.view.setUint32(at + AT.tag, tag, true);
    this.view.setUint32(at + AT.handle, handle, true);
    this.end = at + HEADER;
    return at;
  }

  u8(at: number, value: number): void {
    this.bytes[at] = value;
  }

  /** Ends what was written at `end`. */
  cut(end: number): void {
    this.end = end;
  }

  u16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** Exact up to 2^53. */
  u64(at: number, value: number): void {
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, value / TWO_32, true);
  }

  /** Adds payload to the frame that was begun last. @returns its bytes, to be filled */
  payload(at: number, byteLength: number): Uint8Array {
    this.u32(at + AT.payloadBytes, byteLength);
    const from = this.end;
    this.end += byteLength;
    return this.bytes.subarray(from, this.end);
  }
}

/** What a header says; u64 fields as numbers, above 2^53 about right. */
export function u64At(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}
