import { type Domain, READ, WRITE } from "../iommu/domain.ts";
import { compareAndSwapHalves, fetchOpHalves, loadSmall, storeSmall } from "../structs/halves.ts";
import { EPOCH_GET_BYTES_MAX, lineCount, VERSION_BYTES } from "../wire/epoch-message.ts";
import {
  commandFlags,
  commandHandle,
  commandLength,
  commandNotification,
  commandOffset,
  commandPayloadBytes,
  compareAt,
  headerOpcode,
  headerTag,
  MAX_PAYLOAD_BYTES,
  OPCODE,
  operandAt,
  valueAt,
} from "../wire/header.ts";
import {
  FLUSH_STABLE,
  flagsOp,
  flagsWord,
  LOCK_EXCLUSIVE,
  NOTIFY_PLACED,
  OPS,
  WORD_BYTES,
} from "../wire/ops.ts";
import {
  DONE,
  type ExecuteContext,
  expectPayload,
  INLINE_BYTES,
  MALFORMED,
  refuse,
  requestNumber,
  STALLED,
} from "./commands.ts";
import { ACCUMULATE_PAYLOAD, type Connection, MESSAGE_PAYLOAD, PUT_PAYLOAD } from "./connection.ts";
import { COPIES_QUEUED_MAX } from "./connection-memory.ts";
import { groupBarrier, joinGroup, leaveGroup } from "./execute-groups.ts";
import { BEFORE_MAX, bytesBefore, getNotify, notifyNext, queueClose, queueOpen } from "./execute-queues.ts";
import { wordsTouched, wordWait } from "./execute-words.ts";
import type { StableFlushes } from "./stable-flushes.ts";
import {
  ALIGNMENT,
  INPUT_OUTPUT,
  NOT_DURABLE,
  NOT_SUPPORTED,
  OK,
  RANGE,
  refusalStatus,
  TOO_MANY,
} from "./statuses.ts";
import type { WorkerEpochs } from "./worker-epochs.ts";
import type { WorkerLocks } from "./worker-locks.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

const READ_WRITE = READ | WRITE;
/**
 * Executes the command whose header lies in `words` at `h`, on a connection that may answer one. Payload is not
 * touched here: the connection's phase says what becomes of it.
 * @returns DONE, REFUSED, STALLED or MALFORMED
 */
export function execute(
  connection: Connection,
  session: WorkerSession,
  context: ExecuteContext,
  words: Int32Array,
  h: number,
): number {
  const { domain } = session;
  switch (headerOpcode(words, h)) {
    case OPCODE.GET:
      return get(connection, domain, words, h);
    case OPCODE.PUT:
      return put(connection, domain, context, words, h, false);
    case OPCODE.FETCH_OP:
      return fetchOp(connection, domain, context.epochs, words, h);
    case OPCODE.COMPARE_AND_SWAP:
      return compareAndSwap(connection, domain, context.epochs, words, h);
    case OPCODE.ACCUMULATE:
      return accumulate(connection, domain, context.epochs, words, h);
    case OPCODE.FLUSH:
      return flush(connection, domain, context.flushes, words, h);
    case OPCODE.LOCK:
      return lock(connection, session, context.locks, words, h);
    case OPCODE.UNLOCK:
      return unlock(connection, session, context.locks, words, h);
    case OPCODE.EPOCH_GET:
      return epochGet(connection, session, context.epochs, words, h);
    case OPCODE.EPOCH:
      return epoch(connection, context.epochs, words, h);
    case OPCODE.PUT_NOTIFY:
      return put(connection, domain, context, words, h, true);
    case OPCODE.GET_NOTIFY:
      return getNotify(connection, session, context, words, h);
    case OPCODE.QUEUE_OPEN:
      return queueOpen(connection, context.epochs, words, h);
    case OPCODE.QUEUE_CLOSE:
      return queueClose(connection, context.notifications, words, h);
    case OPCODE.NOTIFY_NEXT:
      return notifyNext(connection, context, words, h);
    case OPCODE.WORD_WAIT:
      return wordWait(connection, session, context.words, words, h);
    case OPCODE.WORDS_TOUCHED:
      return wordsTouched(connection, session, context.notifications, words, h);
    case OPCODE.GROUP_JOIN:
      return joinGroup(connection, session, context.groups, words, h) ? DONE : MALFORMED;
    case OPCODE.GROUP_BARRIER:
      return groupBarrier(connection, session, context.groups, words, h) ? DONE : MALFORMED;
    case OPCODE.GROUP_LEAVE:
      return leaveGroup(connection, session, context.groups, words, h) ? DONE : MALFORMED;
    default:
      return MALFORMED;
  }
}

function get(connection: Connection, domain: Domain<WorkerRegion>, words: Int32Array, h: number): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const length = commandLength(words, h);
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), length, READ);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (length > MAX_PAYLOAD_BYTES) return refuse(connection, words, h, RANGE);
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (length > INLINE_BYTES) {
    connection.answer(OPCODE.GET, headerTag(words, h), OK, length);
    connection.queue.pushPayload(region.memory, at, length);
    connection.payloadQueued = true;
    return DONE;
  }
  const answer = connection.answer(OPCODE.GET, headerTag(words, h), OK, 0);
  loadSmall(region.memory, at, length, connection.queue.headerWords, valueAt(answer));
  return DONE;
}

function put(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  { epochs, notifications }: ExecuteContext,
  words: Int32Array,
  h: number,
  notifies: boolean,
): number {
  const length = commandLength(words, h);
  const payloadBytes = commandPayloadBytes(words, h);
  const flags = commandFlags(words, h);
  if (flags > (notifies ? NOTIFY_PLACED : 0)) return MALFORMED;
  const isPlaced = flags === NOTIFY_PLACED;
  if (payloadBytes !== (isPlaced || length <= INLINE_BYTES ? 0 : length)) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), length, WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (length > MAX_PAYLOAD_BYTES) return refuse(connection, words, h, RANGE);
  const tag = commandNotification(words, h);
  if (notifies) {
    if (bytesBefore(words, h) > BEFORE_MAX) return refuse(connection, words, h, RANGE);
    const { session } = connection;
    if (!notifications.accepts(session as WorkerSession, region, at, length, tag))
      return refuse(connection, words, h, TOO_MANY);
  }
  if (mustWait(connection, region, epochs, at, length)) return STALLED;
  if (payloadBytes > 0) {
    expectPayload(connection, PUT_PAYLOAD, words, h, OK);
    connection.region = region;
    connection.from = at;
    connection.at = at;
    connection.noticeTag = tag;
    connection.before = notifies ? bytesBefore(words, h) : 0;
    return DONE;
  }
  if (!isPlaced) storeSmall(region.memory, at, length, words, operandAt(h));
  if (!notifies) connection.answer(OPCODE.PUT, headerTag(words, h), OK, 0);
  else notifications.put(connection, region, at, length, bytesBefore(words, h), tag, headerTag(words, h));
  region.written(at, length);
  return DONE;
}

function fetchOp(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  epochs: WorkerEpochs,
  words: Int32Array,
  h: number,
): number {
  const flags = commandFlags(words, h);
  const bytes = WORD_BYTES[flagsWord(flags)];
  if (flagsOp(flags) >= OPS.length || bytes === undefined) return MALFORMED;
  if (commandLength(words, h) !== bytes || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), bytes, READ_WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (at % bytes !== 0) return refuse(connection, words, h, ALIGNMENT);
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (mustWait(connection, region, epochs, at, bytes)) return STALLED;
  const answer = connection.answer(OPCODE.FETCH_OP, headerTag(words, h), OK, 0);
  fetchOpHalves(
    region.memory,
    at,
    flagsOp(flags),
    flagsWord(flags),
    words,
    operandAt(h),
    connection.queue.headerWords,
    valueAt(answer),
  );
  region.written(at, bytes);
  return DONE;
}

function compareAndSwap(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  epochs: WorkerEpochs,
  words: Int32Array,
  h: number,
): number {
  const word = commandFlags(words, h);
  const bytes = WORD_BYTES[word];
  if (bytes === undefined) return MALFORMED;
  if (commandLength(words, h) !== bytes || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), bytes, READ_WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (at % bytes !== 0) return refuse(connection, words, h, ALIGNMENT);
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (mustWait(connection, region, epochs, at, bytes)) return STALLED;
  const answer = connection.answer(OPCODE.COMPARE_AND_SWAP, headerTag(words, h), OK, 0);
  compareAndSwapHalves(
    region.memory,
    at,
    word,
    words,
    compareAt(h),
    operandAt(h),
    connection.queue.headerWords,
    valueAt(answer),
  );
  region.written(at, bytes);
  return DONE;
}

function accumulate(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  epochs: WorkerEpochs,
  words: Int32Array,
  h: number,
): number {
  const flags = commandFlags(words, h);
  const bytes = WORD_BYTES[flagsWord(flags)];
  const length = commandLength(words, h);
  if (flagsOp(flags) >= OPS.length || bytes === undefined) return MALFORMED;
  if (length % bytes !== 0 || commandPayloadBytes(words, h) !== length) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), length, WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (at % bytes !== 0) return refuse(connection, words, h, ALIGNMENT);
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (mustWait(connection, region, epochs, at, length)) return STALLED;
  expectPayload(connection, ACCUMULATE_PAYLOAD, words, h, OK);
  connection.op = flagsOp(flags);
  connection.word = flagsWord(flags);
  connection.region = region;
  connection.from = at;
  connection.at = at;
  return DONE;
}

/** True for a write that queued answers, or an epoch that holds one of its lines, must come before. */
function mustWait(
  connection: Connection,
  region: WorkerRegion,
  epochs: WorkerEpochs,
  at: number,
  length: number,
): boolean {
  if (connection.isQueued(region.memory, at, length)) return true;
  if (region.lines === undefined || !region.lines.isHeld(at, length)) return false;
  connection.awaitsLine = true;
  connection.awaited = { region, at, length };
  epochs.block(connection);
  return true;
}

function flush(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  flushes: StableFlushes,
  words: Int32Array,
  h: number,
): number {
  const flags = commandFlags(words, h);
  if (flags > FLUSH_STABLE || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const found = domain.translate(commandHandle(words, h), 0, 0, 0);
  if (found < 0) return refuse(connection, words, h, refusalStatus(found));
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (flags !== FLUSH_STABLE) {
    // Whatever came before it on this connection has been applied.
    connection.answer(OPCODE.FLUSH, headerTag(words, h), OK, 0);
    return DONE;
  }
  if (!region.durable) return refuse(connection, words, h, NOT_DURABLE);
  flushes.request(region, connection, headerTag(words, h));
  return DONE;
}

function lock(
  connection: Connection,
  session: WorkerSession,
  locks: WorkerLocks,
  words: Int32Array,
  h: number,
): number {
  const flags = commandFlags(words, h);
  if (flags > LOCK_EXCLUSIVE || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const length = commandLength(words, h);
  const handle = commandHandle(words, h);
  const access = flags === LOCK_EXCLUSIVE ? WRITE : READ;
  const at = session.domain.translate(handle, commandOffset(words, h), length, access);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  const region = session.domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (length === 0) return refuse(connection, words, h, RANGE);
  const id = requestNumber(words, h);
  const waitMs = (words[compareAt(h)] as number) >>> 0;
  const exclusive = flags === LOCK_EXCLUSIVE;
  locks.lock(
    connection,
    session,
    { region: region.key, handle, id, at, end: at + length, exclusive },
    waitMs,
    headerTag(words, h),
  );
  return DONE;
}

function unlock(
  connection: Connection,
  session: WorkerSession,
  locks: WorkerLocks,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  locks.unlock(connection, session, requestNumber(words, h), headerTag(words, h));
  return DONE;
}

/** The bytes and the versions are copied, so that they are of one moment. */
function epochGet(
  connection: Connection,
  session: WorkerSession,
  epochs: WorkerEpochs,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  if (!epochs.hasBegun) return refuse(connection, words, h, NOT_SUPPORTED);
  const handle = commandHandle(words, h);
  const length = requestNumber(words, h);
  const at = session.domain.translate(handle, commandOffset(words, h), length, READ);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (length === 0 || length > EPOCH_GET_BYTES_MAX) return refuse(connection, words, h, RANGE);
  const answerBytes = length + lineCount(at, length) * VERSION_BYTES;
  if (commandLength(words, h) !== answerBytes) return MALFORMED;
  const region = session.domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  // Who does not read must not make the worker keep many copies.
  if (connection.queue.bytes > COPIES_QUEUED_MAX) return STALLED;
  if (!epochs.memory.mayCopy(connection)) return refuse(connection, words, h, TOO_MANY);
  const copy = new Uint8Array(answerBytes);
  copy.set(region.memory.u8.subarray(at, at + length));
  epochs.linesOf(region).copyVersions(at, length, copy, length);
  connection.answer(OPCODE.EPOCH_GET, headerTag(words, h), OK, answerBytes);
  epochs.memory.pushCopy(connection, copy);
  return DONE;
}

function epoch(connection: Connection, epochs: WorkerEpochs, words: Int32Array, h: number): number {
  const payloadBytes = commandPayloadBytes(words, h);
  if (commandFlags(words, h) !== 0 || payloadBytes === 0) return MALFORMED;
  if (commandHandle(words, h) !== 0 || commandLength(words, h) !== payloadBytes) return MALFORMED;
  if (!epochs.memory.openMessage(connection, payloadBytes)) return refuse(connection, words, h, TOO_MANY);
  expectPayload(connection, MESSAGE_PAYLOAD, words, h, OK);
  return DONE;
}
