import { READ } from "../iommu/domain.ts";
import { loadSmall } from "../structs/halves.ts";
import {
  commandFlags,
  commandHandle,
  commandLength,
  commandNotification,
  commandOffset,
  commandPayloadBytes,
  compareAt,
  headerTag,
  MAX_PAYLOAD_BYTES,
} from "../wire/header.ts";
import { NOTICE_BYTES, NOTICES_MAX, NOTIFIED_GET_BYTES_MAX, QUEUE_BYTES } from "../wire/notifications.ts";
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
import { type Connection, MESSAGE_PAYLOAD } from "./connection.ts";
import { COPIES_QUEUED_MAX } from "./connection-memory.ts";
import { INPUT_OUTPUT, OK, RANGE, refusalStatus, TOO_MANY } from "./statuses.ts";
import type { WorkerEpochs } from "./worker-epochs.ts";
import type { WorkerNotifications } from "./worker-notifications.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** An access and what came before it have an exact length. */
export const BEFORE_MAX: number = Number.MAX_SAFE_INTEGER - MAX_PAYLOAD_BYTES;

/** The bytes are copied, because whoever is told may write there. */
export function getNotify(
  connection: Connection,
  session: WorkerSession,
  { epochs, notifications }: ExecuteContext,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const length = commandLength(words, h);
  const at = session.domain.translate(commandHandle(words, h), commandOffset(words, h), length, READ);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  const before = bytesBefore(words, h);
  if (length > NOTIFIED_GET_BYTES_MAX || before > BEFORE_MAX) return refuse(connection, words, h, RANGE);
  const region = session.domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  if (connection.queue.bytes > COPIES_QUEUED_MAX) return STALLED;
  const tag = commandNotification(words, h);
  const isInline = length <= INLINE_BYTES;
  const hasRoom = isInline || (epochs.memory.mayCopy(connection) && notifications.hasRoomFor(length));
  if (!hasRoom || !notifications.accepts(session, region, at, length, tag))
    return refuse(connection, words, h, TOO_MANY);
  if (isInline) loadSmall(region.memory, at, length, copiedWords, 0);
  else copiedWords.fill(0);
  const copied = {
    low: copiedWords[0] as number,
    high: copiedWords[1] as number,
    copy: isInline ? undefined : region.memory.u8.slice(at, at + length),
  };
  notifications.get(connection, region, at, length, before, tag, headerTag(words, h), copied);
  return DONE;
}

const copiedWords = new Int32Array(2);

export function queueOpen(
  connection: Connection,
  epochs: WorkerEpochs,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== QUEUE_BYTES) return MALFORMED;
  if (commandLength(words, h) !== QUEUE_BYTES) return MALFORMED;
  if (!epochs.memory.openMessage(connection, QUEUE_BYTES)) return refuse(connection, words, h, TOO_MANY);
  expectPayload(connection, MESSAGE_PAYLOAD, words, h, OK);
  return DONE;
}

export function queueClose(
  connection: Connection,
  notifications: WorkerNotifications,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  notifications.close(connection, requestNumber(words, h), headerTag(words, h));
  return DONE;
}

export function notifyNext(
  connection: Connection,
  { epochs, notifications }: ExecuteContext,
  words: Int32Array,
  h: number,
): number {
  const length = commandLength(words, h);
  const entriesMax = length / NOTICE_BYTES;
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  if (!(Number.isInteger(entriesMax) && entriesMax > 0 && entriesMax <= NOTICES_MAX)) return MALFORMED;
  // Who does not read must not make the worker keep many copies.
  if (connection.queue.bytes > COPIES_QUEUED_MAX) return STALLED;
  if (!epochs.memory.mayCopy(connection)) return refuse(connection, words, h, TOO_MANY);
  const waitMs = (words[compareAt(h)] as number) >>> 0;
  notifications.next(connection, requestNumber(words, h), entriesMax, waitMs, headerTag(words, h));
  return DONE;
}

/** Bytes of an access that notifies that earlier commands have moved; not exact above BEFORE_MAX. */
export function bytesBefore(words: Int32Array, h: number): number {
  const at = compareAt(h);
  return ((words[at] as number) >>> 0) + ((words[at + 1] as number) >>> 0) * 2 ** 32;
}
