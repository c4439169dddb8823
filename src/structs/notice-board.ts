/**
 * The notice board of a region: memory that its home worker and the origins on the same host have mapped that may store to the
 * region. Each of those has a lane, and on each queue of the board a ring of its own; so a put that notifies touches two lines
 * that others write or read: the first one, and a slot. Little-endian; each line has 64 bytes.
 *
 *        0  u32 clock | u32 asleep | u32 version | u32 others
 *       64  u32[8] told: notifications that the worker itself has put into the queue | u32 lanes that may have an owner
 *     1024  16 lanes:   u32 serial, 0 where it has had no owner | 28 zero bytes | u8[32] source: the owner's public key
 *     2048  8 queues:   u32 open | u32 any tag | u64 at | u64 end, of the region | u32 tag | u32 room
 *     4096  8 x 16 lines, by queue and lane:   u32 taken: notifications that the queue's reader has taken from that ring
 *    12288  8 x 16 rings of 64 slots
 *
 *     a slot:  u32 turn | u32 stamp | u64 at | u64 before | u32 length | u32 tag | 32 zero bytes
 *
 * Whoever tells of something moves the clock on, and stamps it with what it was: readers tell in the order of stamps. A slot
 * holds its ring's notification number n, which is at n % 64, once its turn is n + 1; all these numbers are modulo 2^32, so the
 * order of two stamps is known while fewer than 2^31 lie between them.
 * No ring of a queue has more than `room` notifications. Bit q of `asleep` is set while the reader of queue q waits at the worker. The version is odd while the worker changes queues;
 * `others` are queues of the region that are not on the board, whose notifications go to the worker. A u64 lies low half first.
 *
 * The worker alone writes all but the clock, the slots and, but for a queue's beginning, `taken`. Who may store to the region may
 * write anything here too, as to its bytes: so nobody depends on what he reads for more than what he tells, or is told, of them.
 */
export const BOARD_QUEUES = 8;
export const BOARD_LANES = 16;
export const RING_SLOTS = 64;

const LINE = 16;
const CLOCK = 0;
const ASLEEP = 1;
const VERSION = 2;
const OTHERS = 3;
const TOLD = LINE;
const GIVEN = LINE + BOARD_QUEUES;
const LANES = 1024 / 4;
const SOURCE_AT = 32;
const SOURCE_BYTES = 32;
const QUEUES = 2048 / 4;
const TAKEN = 4096 / 4;
const RINGS = 12_288 / 4;
const RING = RING_SLOTS * LINE;

export const BOARD_BYTES: number = (RINGS + BOARD_QUEUES * BOARD_LANES * RING) * 4;

/** In the region's header page: which board it has, 0 where none. Never the same for two boards of a mapping. */
const GENERATION = 1152 / 4;

const TURN = 0;
const STAMP = 1;
const AT = 2;
const BEFORE = 4;
const LENGTH = 6;
const TAG = 7;
const OPEN = 0;
const ANY_TAG = 1;
const QUEUE_AT = 2;
const QUEUE_END = 4;
const QUEUE_TAG = 6;
const QUEUE_ROOM = 7;
const TWO_32 = 2 ** 32;

/** What a queue on the board lets in. */
export interface BoardQueue {
  /** First byte, and the first behind the range, in the region. */
  readonly at: number;
  readonly end: number;
  /** Undefined: any. */
  readonly tag: number | undefined;
  /** Notifications that each of its rings may hold, RING_SLOTS at most. */
  readonly room: number;
}

/** A notification as it lies in a slot. */
export interface BoardNotice {
  at: number;
  before: number;
  length: number;
  tag: number;
}

/** @param words of a region's header page */
export function boardGeneration(words: Int32Array): number {
  return words[GENERATION] as number;
}

/** @param words of a region's header page @param generation 0: there is none */
export function announceBoard(words: Int32Array, generation: number): void {
  Atomics.store(words, GENERATION, generation);
}

/** Moves the clock on; all that was stored before is there for whoever sees that. @returns what it was */
export function takeStamp(words: Int32Array): number {
  return Atomics.add(words, CLOCK, 1);
}

/** True where stamp `a` was taken before `b`. */
export function isEarlier(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function isAsleep(words: Int32Array, queue: number): boolean {
  return (Atomics.load(words, ASLEEP) & (1 << queue)) !== 0;
}

/** @param bits of the queues whose readers wait */
export function publishAsleep(words: Int32Array, bits: number): void {
  Atomics.store(words, ASLEEP, bits);
}

/** Odd while queues are being changed. */
export function boardVersion(words: Int32Array): number {
  return Atomics.load(words, VERSION);
}

/** Queues that are not on the board. */
export function otherQueues(words: Int32Array): number {
  return words[OTHERS] as number;
}

/** Changes queues, or how many others there are. */
export function changeQueues(words: Int32Array, change: () => void): void {
  Atomics.add(words, VERSION, 1);
  change();
  Atomics.add(words, VERSION, 1);
}

/** To be called within a change. */
export function setOtherQueues(words: Int32Array, count: number): void {
  words[OTHERS] = count;
}

/** To be called within a change. @param open undefined: there is none any more */
export function setBoardQueue(words: Int32Array, queue: number, open: BoardQueue | undefined): void {
  const line = QUEUES + queue * LINE;
  words[line + OPEN] = open === undefined ? 0 : 1;
  if (open === undefined) return;
  words[line + ANY_TAG] = open.tag === undefined ? 1 : 0;
  putSafe(words, line + QUEUE_AT, open.at);
  putSafe(words, line + QUEUE_END, open.end);
  words[line + QUEUE_TAG] = open.tag ?? 0;
  words[line + QUEUE_ROOM] = Math.min(open.room, RING_SLOTS);
}

/** What is there while the version is even and the same before and after. */
export function boardQueue(words: Int32Array, queue: number): BoardQueue | undefined {
  const line = QUEUES + queue * LINE;
  if (words[line + OPEN] === 0) return undefined;
  const tag = words[line + ANY_TAG] === 0 ? (words[line + QUEUE_TAG] as number) >>> 0 : undefined;
  const room = Math.min((words[line + QUEUE_ROOM] as number) >>> 0, RING_SLOTS);
  return { at: takeNumber(words, line + QUEUE_AT), end: takeNumber(words, line + QUEUE_END), tag, room };
}

/** How many notifications the worker has put into the queue. */
export function toldByWorker(words: Int32Array, queue: number): number {
  return Atomics.load(words, TOLD + queue);
}

export function countTold(words: Int32Array, queue: number): void {
  Atomics.add(words, TOLD + queue, 1);
}

/** Gives the lane to somebody. @param source his public key */
export function giveLane(words: Int32Array, bytes: Uint8Array, lane: number, source: Uint8Array): void {
  const line = LANES + lane * LINE;
  bytes.set(source.subarray(0, SOURCE_BYTES), line * 4 + SOURCE_AT);
  Atomics.add(words, line, 1);
  Atomics.store(words, GIVEN, Math.max(words[GIVEN] as number, lane + 1));
}

/** The first lane that certainly has no owner, nor has had one. */
export function lanesGiven(words: Int32Array): number {
  return Math.min(Atomics.load(words, GIVEN) >>> 0, BOARD_LANES);
}

/** Another one for each owner that it has had. */
export function laneSerial(words: Int32Array, lane: number): number {
  return Atomics.load(words, LANES + lane * LINE);
}

/** The owner's public key, in hexadecimal digits. */
export function laneSource(bytes: Uint8Array, lane: number): string {
  const at = (LANES + lane * LINE) * 4 + SOURCE_AT;
  return Buffer.from(bytes.subarray(at, at + SOURCE_BYTES)).toString("hex");
}

/** How many notifications of that ring have been taken. */
export function takenCount(words: Int32Array, queue: number, lane: number): number {
  return Atomics.load(words, takenAt(queue, lane));
}

export function setTakenCount(words: Int32Array, queue: number, lane: number, count: number): void {
  Atomics.store(words, takenAt(queue, lane), count);
}

/** True once the ring's notification `number` lies in its slot. */
export function isPublished(words: Int32Array, queue: number, lane: number, number: number): boolean {
  return Atomics.load(words, slotAt(queue, lane, number) + TURN) === ((number + 1) | 0);
}

/** Puts the ring's notification `number` into its slot, which is free. */
export function publishNotice(
  words: Int32Array,
  queue: number,
  lane: number,
  number: number,
  stamp: number,
  at: number,
  before: number,
  length: number,
  tag: number,
): void {
  const slot = slotAt(queue, lane, number);
  words[slot + STAMP] = stamp;
  putSafe(words, slot + AT, at);
  putSafe(words, slot + BEFORE, before);
  words[slot + LENGTH] = length;
  words[slot + TAG] = tag;
  Atomics.store(words, slot + TURN, (number + 1) | 0);
}

/** Of a notification that is published. */
export function noticeStamp(words: Int32Array, queue: number, lane: number, number: number): number {
  return words[slotAt(queue, lane, number) + STAMP] as number;
}

/** Reads a notification that is published. */
export function readNotice(
  words: Int32Array,
  queue: number,
  lane: number,
  number: number,
  into: BoardNotice,
): void {
  const slot = slotAt(queue, lane, number);
  into.at = takeNumber(words, slot + AT);
  into.before = takeNumber(words, slot + BEFORE);
  into.length = (words[slot + LENGTH] as number) >>> 0;
  into.tag = (words[slot + TAG] as number) >>> 0;
}

/** The first notification of the ring that is not there yet, from `number` on: at most a ring further. */
export function unpublishedFrom(words: Int32Array, queue: number, lane: number, number: number): number {
  let next = number;
  for (let i = 0; i < RING_SLOTS && isPublished(words, queue, lane, next); i += 1) next = (next + 1) | 0;
  return next;
}

/** True where something lies in one of the queue's rings that was not taken. */
export function hasUntaken(words: Int32Array, queue: number): boolean {
  for (let lane = 0; lane < BOARD_LANES; lane += 1) {
    if (isPublished(words, queue, lane, takenCount(words, queue, lane))) return true;
  }
  return false;
}

/** A queue begins: whatever lies in its rings was for another one, and the worker has told it nothing yet. */
export function skipUntaken(words: Int32Array, queue: number): void {
  Atomics.store(words, TOLD + queue, 0);
  for (let lane = 0; lane < BOARD_LANES; lane += 1) {
    const taken = takenCount(words, queue, lane);
    setTakenCount(words, queue, lane, unpublishedFrom(words, queue, lane, taken));
  }
}

function takenAt(queue: number, lane: number): number {
  return TAKEN + (queue * BOARD_LANES + lane) * LINE;
}

function slotAt(queue: number, lane: number, number: number): number {
  return RINGS + (queue * BOARD_LANES + lane) * RING + (number & (RING_SLOTS - 1)) * LINE;
}

function putSafe(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = (value / TWO_32) | 0;
}

/** Not exact above 2^53: no length is. */
function takeNumber(words: Int32Array, at: number): number {
  return ((words[at + 1] as number) >>> 0) * TWO_32 + ((words[at] as number) >>> 0);
}
