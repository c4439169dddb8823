import type { Memory } from "../ports/memory.ts";
import { fetchOpHalves } from "../structs/halves.ts";
import { SHARED_HEAT } from "../structs/worker-counters.ts";
import {
  beginsCommand,
  commandLength,
  commandPayloadBytes,
  HEADER_BYTES,
  headerOpcode,
  headerTag,
  headerVersion,
  isCommand,
  MAX_PAYLOAD_BYTES,
  OPCODE,
  operandAt,
  TOKEN_BYTES,
  WIRE_VERSION,
} from "../wire/header.ts";
import { WORD_BYTES } from "../wire/ops.ts";
import { MALFORMED, REFUSED, STALLED } from "./commands.ts";
import { ACCUMULATE_PAYLOAD, type Connection, HEADER, MESSAGE_PAYLOAD, PUT_PAYLOAD } from "./connection.ts";
import { COUNTER, countCommand, countRefused } from "./counters.ts";
import { execute } from "./execute.ts";
import type { StableFlushes } from "./stable-flushes.ts";
import { AUTH, INPUT_OUTPUT, OK, TOO_MANY, VERSION } from "./statuses.ts";
import type { WorkerEpochs } from "./worker-epochs.ts";
import type { WorkerGroups } from "./worker-groups.ts";
import type { WorkerLocks } from "./worker-locks.ts";
import { STAGING_BYTES, type WorkerMemory } from "./worker-memory.ts";
import type { WorkerNotifications } from "./worker-notifications.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";
import type { WorkerWords } from "./worker-words.ts";

/** Data connections that a session may have at one worker: two of each kind would do. */
const CONNECTIONS_MAX = 16;
/** Up to this many bytes a loop is about as quick as a call, which also makes objects of the two addresses. */
const SHORT_COPY_BYTES = 256;

/** What a worker gives to the processing of what its connections received. */
export interface ReceiveContext {
  readonly counters: Float64Array;
  readonly flushes: StableFlushes;
  readonly locks: WorkerLocks;
  readonly epochs: WorkerEpochs;
  readonly notifications: WorkerNotifications;
  readonly words: WorkerWords;
  readonly groups: WorkerGroups;
  readonly memory: WorkerMemory;
  /** The session of that number, if this worker knows it. */
  session(number: number): WorkerSession | undefined;
  /** Takes a connection that has proven its session out of the strangers. @returns false when the worker is full */
  admit(connection: Connection): boolean;
}

/**
 * Executes what lies in a connection's staging memory, until it is used up or the connection stalls.
 * @returns commands executed, or MALFORMED
 */
export function processStaged(connection: Connection, context: ReceiveContext): number {
  const { counters } = context;
  let commands = 0;
  let malformed = false;
  connection.stalled = false;
  connection.awaited = undefined;
  for (;;) {
    if (connection.phase !== HEADER) {
      if (!takePayload(connection, context)) break;
      continue;
    }
    if (connection.end - connection.begin < HEADER_BYTES || connection.ending) break;
    if (!connection.mayRead()) {
      connection.stalled = true;
      break;
    }
    const staging = connection.staging as Memory;
    const h = alignedHeader(staging, connection.begin);
    const words = staging.i32;
    if (connection.session === undefined) {
      const admitted = admit(connection, context, words, h);
      if (admitted === NOT_YET) break;
      malformed = admitted === MALFORMED;
      if (malformed) break;
      continue;
    }
    const verdict = isWellFormed(words, h)
      ? execute(connection, connection.session, context, words, h)
      : MALFORMED;
    malformed = verdict === MALFORMED;
    if (malformed) break;
    if (verdict === STALLED) {
      connection.stalled = true;
      break;
    }
    const opcode = headerOpcode(words, h);
    if (verdict === REFUSED) countRefused(counters, opcode, connection.refusal);
    else {
      // Releasing a lock names no region.
      const region = connection.session.domain.region;
      countCommand(
        counters,
        region === undefined ? SHARED_HEAT : region.heat,
        opcode,
        commandLength(words, h),
      );
    }
    connection.begin += HEADER_BYTES;
    commands += 1;
  }
  counters[COUNTER.operations] = (counters[COUNTER.operations] as number) + commands;
  makeRoom(connection);
  return malformed ? MALFORMED : commands;
}

const NOT_YET = -3;

/**
 * The first command of a connection must prove that it belongs to a session.
 * @returns OK, NOT_YET while the token has not arrived whole, or MALFORMED
 */
function admit(connection: Connection, context: ReceiveContext, words: Int32Array, h: number): number {
  if (beginsCommand(words, h) && headerVersion(words, h) !== WIRE_VERSION)
    return turnAway(connection, words, h, VERSION);
  if (!isWellFormed(words, h) || headerOpcode(words, h) !== OPCODE.HELLO) return MALFORMED;
  if (commandPayloadBytes(words, h) !== TOKEN_BYTES) return MALFORMED;
  if (connection.end - connection.begin < HEADER_BYTES + TOKEN_BYTES) return NOT_YET;
  const from = connection.begin + HEADER_BYTES;
  const operand = operandAt(h);
  const number = ((words[operand] as number) >>> 0) + ((words[operand + 1] as number) >>> 0) * 2 ** 32;
  const session = context.session(number);
  const { u8 } = connection.staging as Memory;
  if (!session?.admits(u8.subarray(from, from + TOKEN_BYTES))) return turnAway(connection, words, h, AUTH);
  if (session.slots.size >= CONNECTIONS_MAX || !context.admit(connection)) {
    return turnAway(connection, words, h, TOO_MANY);
  }
  session.slots.add(connection.slot);
  connection.session = session;
  connection.answer(OPCODE.HELLO, headerTag(words, h), OK, 0);
  connection.begin = from + TOKEN_BYTES;
  return OK;
}

function turnAway(connection: Connection, words: Int32Array, h: number, status: number): number {
  connection.answer(headerOpcode(words, h), headerTag(words, h), status, 0);
  connection.ending = true;
  connection.begin = connection.end;
  return OK;
}

/** What every command has in common; what is unused must be zero, so that it can get a meaning later. */
function isWellFormed(words: Int32Array, h: number): boolean {
  return (
    isCommand(words, h) &&
    (words[h + 1] as number) >>> 16 === 0 &&
    (words[h + 12] === 0 || notifies(headerOpcode(words, h))) &&
    words[h + 13] === 0 &&
    commandPayloadBytes(words, h) <= MAX_PAYLOAD_BYTES &&
    words[h + 15] === 0
  );
}

function notifies(opcode: number): boolean {
  return opcode === OPCODE.PUT_NOTIFY || opcode === OPCODE.GET_NOTIFY;
}

/** Payloads of odd length leave the next header where words cannot be read: then it is copied. @returns its first word */
function alignedHeader(staging: Memory, begin: number): number {
  if ((begin & 3) === 0) return begin >> 2;
  staging.u8.copyWithin(STAGING_BYTES, begin, begin + HEADER_BYTES);
  return STAGING_BYTES >> 2;
}

/** Uses staged payload. @returns false when there is not enough of it, or no room for the answer */
function takePayload(connection: Connection, context: ReceiveContext): boolean {
  const count = Math.min(connection.left, connection.end - connection.begin);
  if (count > 0) {
    if (connection.phase === PUT_PAYLOAD) {
      copyToRegion(connection, context.memory, connection.region as WorkerRegion, count);
      payloadCame(connection, count);
      connection.begin += count;
    } else if (connection.phase === ACCUMULATE_PAYLOAD) {
      accumulateStaged(connection, connection.region as WorkerRegion, count);
    } else {
      if (connection.phase === MESSAGE_PAYLOAD)
        copyToMessage(connection, connection.message as Uint8Array, count);
      connection.left -= count;
      connection.begin += count;
    }
  }
  if (connection.phase !== MESSAGE_PAYLOAD) return finishPayload(connection, context.notifications);
  return connection.left === 0 && finishMessage(connection, context);
}

/** Accounts for payload that lies in the region now. */
export function payloadCame(connection: Connection, count: number): void {
  connection.at += count;
  connection.left -= count;
}

/** Answers the command whose payload is complete. @returns false when it is not, or there is no room for the answer */
export function finishPayload(connection: Connection, notifications: WorkerNotifications): boolean {
  if (connection.left > 0) return false;
  if (!connection.queue.hasRoom()) {
    connection.stalled = true;
    return false;
  }
  const { region, opcode, tag, from, at, before, noticeTag } = connection;
  const status = region?.failed === true ? INPUT_OUTPUT : connection.status;
  connection.phase = HEADER;
  if (opcode === OPCODE.PUT_NOTIFY && status === OK)
    notifications.put(connection, region as WorkerRegion, from, at - from, before, noticeTag, tag);
  else connection.answer(opcode, tag, status, 0);
  // Behind its own answer, for which there is room: what it leads to may be answers on this connection, too.
  connection.countWritten();
  connection.region = undefined;
  return true;
}

function copyToMessage({ staging, begin, left }: Connection, message: Uint8Array, count: number): void {
  message.set((staging as Memory).u8.subarray(begin, begin + count), message.length - left);
}

function finishMessage(connection: Connection, { epochs, notifications }: ReceiveContext): boolean {
  const { opcode, tag, handle } = connection;
  if (opcode === OPCODE.QUEUE_OPEN && !connection.queue.hasRoom()) {
    connection.stalled = true;
    return false;
  }
  const message = epochs.memory.closeMessage(connection) as Uint8Array;
  connection.phase = HEADER;
  if (opcode === OPCODE.EPOCH) epochs.take(connection, connection.session as WorkerSession, tag, message);
  else notifications.open(connection, handle, tag, message);
  return true;
}

function copyToRegion(
  connection: Connection,
  memory: WorkerMemory,
  region: WorkerRegion,
  count: number,
): void {
  const { begin, at } = connection;
  const staging = connection.staging as Memory;
  if (count > SHORT_COPY_BYTES) {
    memory.port.copy(staging, begin, region.memory, at, count);
    return;
  }
  copyShort(staging, begin, region.memory, at, count);
}

/** By words where both lie on one. */
function copyShort(from: Memory, fromAt: number, into: Memory, intoAt: number, count: number): void {
  let done = 0;
  if (fromAt % 4 === 0 && intoAt % 4 === 0) {
    const words = into.i32;
    const fromWords = from.i32;
    const end = count & ~3;
    for (; done < end; done += 4) words[(intoAt + done) / 4] = fromWords[(fromAt + done) >> 2] as number;
  }
  for (; done < count; done += 1) into.u8[intoAt + done] = from.u8[fromAt + done] as number;
}

const element = new Int32Array(2);
const elementBytes = new Uint8Array(element.buffer);
const before = new Int32Array(2);

/** Applies the elements that lie whole in the staging memory, each atomically, wherever they begin there. */
function accumulateStaged(connection: Connection, region: WorkerRegion, count: number): void {
  const { op, word } = connection;
  const size = WORD_BYTES[word] as number;
  const from = (connection.staging as Memory).u8;
  const whole = count - (count % size);
  for (let done = 0; done < whole; done += size) {
    for (let i = 0; i < size; i += 1) elementBytes[i] = from[connection.begin + i] as number;
    fetchOpHalves(region.memory, connection.at, op, word, element, 0, before, 0);
    connection.begin += size;
    payloadCame(connection, size);
  }
}

/** Moves a rest to the front when less than a header fits behind it; without a rest the memory is left to others. */
function makeRoom(connection: Connection): void {
  if (connection.begin === connection.end) {
    connection.closeStaging();
  } else if (connection.begin > 0 && STAGING_BYTES - connection.begin < HEADER_BYTES + TOKEN_BYTES) {
    (connection.staging as Memory).u8.copyWithin(0, connection.begin, connection.end);
    connection.end -= connection.begin;
    connection.begin = 0;
  }
}
