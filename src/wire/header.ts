/**
 * The fixed headers of the wire. Every message between processes is one 64-byte header, little-endian, with
 * `payloadBytes` bytes behind it. All fields lie on their natural alignment; what is unused is zero.
 *
 *     command                                   answer
 *      0  u16 magic 0xD1DA | u8 version | u8 opcode   0  u16 magic 0xD1DB | u8 version | u8 opcode
 *      4  u16 flags | u16 zero                  4  u16 flags (ANSWER_FLAG) | u16 status (0: success, else std/errors.ts)
 *      8  u32 tag                               8  u32 tag (of the command)
 *     12  u32 window handle                    12  u32 payloadBytes
 *     16  u64 offset                           16  i64 value
 *     24  u64 length                           24  u64 zero ...
 *     32  i64 operand
 *     40  i64 compare
 *     48  u32 notification: its tag | u32 zero
 *     56  u32 payloadBytes | u32 zero
 *
 * Accessors are free functions over (words, at): `words` is an Int32Array view, `at` the index of the header's first
 * word. A header is written whole by encodeX, so no byte of an earlier one is ever sent.
 */
export const HEADER_BYTES = 64;
export const HEADER_WORDS = 16;
export const WIRE_VERSION = 1;
/** No message carries more; larger accesses are cut into several commands. */
export const MAX_PAYLOAD_BYTES = 1 << 20;

const COMMAND_MAGIC = 0xd1da;
const ANSWER_MAGIC = 0xd1db;

/** What a command asks for. Numbers are never reused. */
export const OPCODE = {
  /** First on a data connection: payload is the session's token (see TOKEN_BYTES), `operand` the session's number. */
  HELLO: 1,
  /** Up to 8 bytes come back in `value`, more as payload. */
  GET: 2,
  /** Up to 8 bytes travel in `operand`, more as payload. */
  PUT: 3,
  /** flags: op << 4 | word. The word's value before comes back in `value`. */
  FETCH_OP: 4,
  /** flags: word. `compare` is expected, `operand` desired; the value before comes back in `value`. */
  COMPARE_AND_SWAP: 5,
  /** flags: op << 4 | word. Payload: the operands, one an element. */
  ACCUMULATE: 6,
  /** Answered once everything before it on this connection is applied and the region's drive has synced. */
  FLUSH: 7,
  /**
   * Asks for a lock on `length` bytes from `offset`. flags: LOCK_EXCLUSIVE or none; `operand` is the request's number, the
   * session's own choice; `compare` says for how many milliseconds it may wait (u32, the rest zero). Answered when it is
   * decided, which later commands may overtake: 1 in `value` when it is held, 0 when it may not wait and would have to.
   */
  LOCK: 8,
  /** Ends the request whose number is in `operand`, whether it waits or holds; 1 in `value` when there was one. */
  UNLOCK: 9,
  /**
   * Like GET, with the versions of the range's lines (wire/epoch-message.ts) behind its bytes, one u64 each, all copied in one
   * step; one that an epoch is about to write says so (VERSION_IS_TAKEN). `operand`: bytes of the range; `length`: bytes of the answer's payload.
   */
  EPOCH_GET: 10,
  /** One message about an epoch: payload (wire/epoch-message.ts). What became of it comes back in `value` (EPOCH_ANSWER). */
  EPOCH: 11,
  /**
   * Like PUT; then all queues that match are told, with the tag in `notification`, and it is answered once each has had room
   * for that. `compare`: bytes of the access that earlier commands have put. flags: NOTIFY_PLACED or none.
   */
  PUT_NOTIFY: 12,
  /** Like GET of NOTIFIED_GET_BYTES_MAX bytes at most, and then as PUT_NOTIFY. */
  GET_NOTIFY: 13,
  /**
   * Opens a queue of notifications. `length` and payload: what it lets in (wire/notifications.ts). `value`: its place on the
   * region's board plus 1 (structs/notice-board.ts), 0 where it is not there.
   */
  QUEUE_OPEN: 14,
  /** Closes the queue whose number is in `operand`; 1 in `value` when there was one. */
  QUEUE_CLOSE: 15,
  /**
   * Asks for what lies in the queue whose number is in `operand` (u32, the rest zero), or for the next notification; `compare` says
   * for how many milliseconds that may wait (u32, the rest zero). Answered when there is something, which later commands may
   * overtake: payload of `length` bytes at most (wire/notifications.ts), and how many these are in `value`; of a
   * queue that counts only their number. 0: nothing came in time, or something lies on the region's board.
   */
  NOTIFY_NEXT: 16,
  /**
   * Waits for the word of `length` bytes (4 or 8) at `offset` to be another one than `operand`, for so many milliseconds as
   * `compare` says (u32, the rest zero). Answered when it is decided, which later commands may overtake, with the word in
   * `value`. flags: WORD_WAIT_END instead ends the session's waits for that word through that window.
   */
  WORD_WAIT: 17,
  /**
   * The bytes of a raw window from `offset` on were stored to through a mapping: whoever waits for a word there is looked after,
   * and who waits for a notification that lies on the region's board.
   */
  WORDS_TOUCHED: 21,
  /**
   * Asks to become a member of a group. `operand` and `compare`: the first 128 bits of the SHA-256 of its name; `offset`: how many
   * members it has, in the low half, and the rank that is asked for plus 1, in the high half (0: any); `length`: for how many
   * milliseconds it may wait (u32). Answered when all have come, which later commands may overtake: `value` has the low half of the
   * group's number, then 16 bits of the rank, and 16 further ones of the number. ERR_GROUP_ENDED: `value` is the rank that ended it.
   */
  GROUP_JOIN: 18,
  /**
   * Comes to a barrier of the group whose number is `operand`; `offset`: how many of its barriers the member has passed; `compare`
   * says for how many milliseconds it may wait (u32, the rest zero). Answered when all have come to it. ERR_GROUP_ENDED as above.
   */
  GROUP_BARRIER: 19,
  /** Leaves the group with that name, in `operand` and `compare` as above; 1 in `value` when there was something to leave. */
  GROUP_LEAVE: 20,
  /** A control call: payload is JSON (see wire/control.ts), and so is the answer's. */
  CALL: 32,
} as const;

/** The random secret that ties a data connection to its session. */
export const TOKEN_BYTES = 32;

const TWO_32 = 2 ** 32;

/** Writes a command that has no operand; `offset` and `length` are safe integers. */
export function encodeCommand(
  words: Int32Array,
  at: number,
  opcode: number,
  flags: number,
  tag: number,
  handle: number,
  offset: number,
  length: number,
  payloadBytes: number,
): void {
  words[at] = COMMAND_MAGIC | (WIRE_VERSION << 16) | (opcode << 24);
  words[at + 1] = flags;
  words[at + 2] = tag;
  words[at + 3] = handle;
  words[at + 4] = offset | 0;
  words[at + 5] = (offset / TWO_32) | 0;
  words[at + 6] = length | 0;
  words[at + 7] = (length / TWO_32) | 0;
  words.fill(0, at + 8, at + 16);
  words[at + 14] = payloadBytes;
}

/** Adds the operand (low and high half) to a command. */
export function encodeOperand(words: Int32Array, at: number, low: number, high: number): void {
  words[at + 8] = low;
  words[at + 9] = high;
}

/** Adds the value to compare with (low and high half) to a command. */
export function encodeCompare(words: Int32Array, at: number, low: number, high: number): void {
  words[at + 10] = low;
  words[at + 11] = high;
}

/** Adds a notification's tag to a command. */
export function encodeNotification(words: Int32Array, at: number, tag: number): void {
  words[at + 12] = tag;
}

/** The tag of the notification that comes with a command. */
export function commandNotification(words: Int32Array, at: number): number {
  return (words[at + 12] as number) >>> 0;
}

/** Flags of answers. Numbers are never reused. */
export const ANSWER_FLAG = {
  /** A descriptor came with this answer's first byte (unix streams only). */
  DESCRIPTOR: 1,
} as const;

/** True where a command begins, of whatever version. */
export function beginsCommand(words: Int32Array, at: number): boolean {
  return ((words[at] as number) & 0xffff) === COMMAND_MAGIC;
}

/** True where an answer begins, of whatever version. */
export function beginsAnswer(words: Int32Array, at: number): boolean {
  return ((words[at] as number) & 0xffff) === ANSWER_MAGIC;
}

/** True where a command of this version begins. */
export function isCommand(words: Int32Array, at: number): boolean {
  return ((words[at] as number) & 0xffffff) === (COMMAND_MAGIC | (WIRE_VERSION << 16));
}

/** True where an answer of this version begins. */
export function isAnswer(words: Int32Array, at: number): boolean {
  return ((words[at] as number) & 0xffffff) === (ANSWER_MAGIC | (WIRE_VERSION << 16));
}

/** The version that a header claims, for the message that refuses it. */
export function headerVersion(words: Int32Array, at: number): number {
  return ((words[at] as number) >>> 16) & 0xff;
}

export function headerOpcode(words: Int32Array, at: number): number {
  return (words[at] as number) >>> 24;
}

export function headerTag(words: Int32Array, at: number): number {
  return (words[at + 2] as number) >>> 0;
}

export function commandFlags(words: Int32Array, at: number): number {
  return (words[at + 1] as number) & 0xffff;
}

export function commandHandle(words: Int32Array, at: number): number {
  return (words[at + 3] as number) >>> 0;
}

/** @returns the offset in bytes; above 2^53 it is not exact, and then above every window's length */
export function commandOffset(words: Int32Array, at: number): number {
  return ((words[at + 4] as number) >>> 0) + ((words[at + 5] as number) >>> 0) * TWO_32;
}

/** @returns the length in bytes; above 2^53 it is not exact, and then above every window's length */
export function commandLength(words: Int32Array, at: number): number {
  return ((words[at + 6] as number) >>> 0) + ((words[at + 7] as number) >>> 0) * TWO_32;
}

/** Where the operand lies, as an index of 32-bit words: low half, then high half. */
export function operandAt(at: number): number {
  return at + 8;
}

/** Where the compare value lies, as an index of 32-bit words: low half, then high half. */
export function compareAt(at: number): number {
  return at + 10;
}

export function commandPayloadBytes(words: Int32Array, at: number): number {
  return (words[at + 14] as number) >>> 0;
}

/** Writes an answer whose value is zero. */
export function encodeAnswer(
  words: Int32Array,
  at: number,
  opcode: number,
  tag: number,
  status: number,
  payloadBytes: number,
): void {
  words[at] = ANSWER_MAGIC | (WIRE_VERSION << 16) | (opcode << 24);
  words[at + 1] = status << 16;
  words[at + 2] = tag;
  words[at + 3] = payloadBytes;
  words.fill(0, at + 4, at + 16);
}

/** Adds flags (ANSWER_FLAG) to an answer. */
export function encodeAnswerFlags(words: Int32Array, at: number, flags: number): void {
  words[at + 1] = (words[at + 1] as number) | flags;
}

export function answerFlags(words: Int32Array, at: number): number {
  return (words[at + 1] as number) & 0xffff;
}

/** Where an answer's value lies, as an index of 32-bit words: low half, then high half. */
export function valueAt(at: number): number {
  return at + 4;
}

export function answerStatus(words: Int32Array, at: number): number {
  return (words[at + 1] as number) >>> 16;
}

export function answerPayloadBytes(words: Int32Array, at: number): number {
  return (words[at + 3] as number) >>> 0;
}
