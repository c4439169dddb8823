import { type Domain, READ, WRITE } from "../iommu/domain.ts";
import { compareAndSwapHalves, fetchOpHalves, loadSmall, storeSmall } from "../structs/halves.ts";
import {
  commandFlags,
  commandHandle,
  commandLength,
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
import { FLUSH_STABLE, flagsOp, flagsWord, OPS, WORD_BYTES } from "../wire/ops.ts";
import { ACCUMULATE_PAYLOAD, type Connection, PUT_PAYLOAD, REFUSED_PAYLOAD } from "./connection.ts";
import type { StableFlushes } from "./stable-flushes.ts";
import {
  ALIGNMENT,
  INPUT_OUTPUT,
  NOT_DURABLE,
  OK,
  RANGE,
  REVOKED,
  refusalStatus,
  UNBOUND,
} from "./statuses.ts";
import type { WorkerRegion } from "./worker-region.ts";

/** The command is done, or its payload is what comes next. */
const DONE = 0;
/** Answered with a refusal; nothing was changed. */
export const REFUSED = 1;
/** Must wait until queued payload has left; nothing was changed. */
export const STALLED = -1;
/** No client of ours sends this. */
export const MALFORMED = -2;

/** Accesses of up to this many bytes travel in the header. */
const INLINE_BYTES = 8;
const READ_WRITE = READ | WRITE;

/**
 * Executes the command whose header lies in `words` at `h`, on a connection that may answer one. Payload is not
 * touched here: the connection's phase says what becomes of it.
 * @returns DONE, REFUSED, STALLED or MALFORMED
 */
export function execute(
  connection: Connection,
  domain: Domain<WorkerRegion>,
  flushes: StableFlushes,
  words: Int32Array,
  h: number,
): number {
  switch (headerOpcode(words, h)) {
    case OPCODE.GET:
      return get(connection, domain, words, h);
    case OPCODE.PUT:
      return put(connection, domain, words, h);
    case OPCODE.FETCH_OP:
      return fetchOp(connection, domain, words, h);
    case OPCODE.COMPARE_AND_SWAP:
      return compareAndSwap(connection, domain, words, h);
    case OPCODE.ACCUMULATE:
      return accumulate(connection, domain, words, h);
    case OPCODE.FLUSH:
      return flush(connection, domain, flushes, words, h);
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

function put(connection: Connection, domain: Domain<WorkerRegion>, words: Int32Array, h: number): number {
  const length = commandLength(words, h);
  const payloadBytes = commandPayloadBytes(words, h);
  if (commandFlags(words, h) !== 0) return MALFORMED;
  if (payloadBytes !== (length <= INLINE_BYTES ? 0 : length)) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), length, WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (connection.isQueued(region.memory, at, length)) return STALLED;
  if (payloadBytes > 0) {
    expectPayload(connection, PUT_PAYLOAD, words, h, OK);
    connection.region = region;
    connection.at = at;
    return DONE;
  }
  storeSmall(region.memory, at, length, words, operandAt(h));
  connection.answer(OPCODE.PUT, headerTag(words, h), OK, 0);
  return DONE;
}

function fetchOp(connection: Connection, domain: Domain<WorkerRegion>, words: Int32Array, h: number): number {
  const flags = commandFlags(words, h);
  const bytes = WORD_BYTES[flagsWord(flags)];
  if (flagsOp(flags) >= OPS.length || bytes === undefined) return MALFORMED;
  if (commandLength(words, h) !== bytes || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const at = domain.translate(commandHandle(words, h), commandOffset(words, h), bytes, READ_WRITE);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (at % bytes !== 0) return refuse(connection, words, h, ALIGNMENT);
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (connection.isQueued(region.memory, at, bytes)) return STALLED;
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
  return DONE;
}

function compareAndSwap(
  connection: Connection,
  domain: Domain<WorkerRegion>,
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
  if (connection.isQueued(region.memory, at, bytes)) return STALLED;
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
  return DONE;
}

function accumulate(
  connection: Connection,
  domain: Domain<WorkerRegion>,
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
  if (connection.isQueued(region.memory, at, length)) return STALLED;
  expectPayload(connection, ACCUMULATE_PAYLOAD, words, h, OK);
  connection.op = flagsOp(flags);
  connection.word = flagsWord(flags);
  connection.region = region;
  connection.at = at;
  return DONE;
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

/** Answers with a status, at once or once the payload that comes with the command has been dropped. */
function refuse(connection: Connection, words: Int32Array, h: number, why: number): number {
  const revoked = why === UNBOUND && connection.session?.isRevoked(commandHandle(words, h)) === true;
  const status = revoked ? REVOKED : why;
  if (commandPayloadBytes(words, h) > 0) expectPayload(connection, REFUSED_PAYLOAD, words, h, status);
  else connection.answer(headerOpcode(words, h), headerTag(words, h), status, 0);
  return REFUSED;
}

function expectPayload(
  connection: Connection,
  phase: number,
  words: Int32Array,
  h: number,
  status: number,
): void {
  connection.phase = phase;
  connection.left = commandPayloadBytes(words, h);
  connection.opcode = headerOpcode(words, h);
  connection.tag = headerTag(words, h);
  connection.handle = commandHandle(words, h);
  connection.status = status;
}
