import { commandHandle, commandPayloadBytes, headerOpcode, headerTag, operandAt } from "../wire/header.ts";
import { type Connection, REFUSED_PAYLOAD } from "./connection.ts";
import type { StableFlushes } from "./stable-flushes.ts";
import { REVOKED, UNBOUND } from "./statuses.ts";
import type { WorkerEpochs } from "./worker-epochs.ts";
import type { WorkerGroups } from "./worker-groups.ts";
import type { WorkerLocks } from "./worker-locks.ts";
import type { WorkerNotifications } from "./worker-notifications.ts";
import type { WorkerWords } from "./worker-words.ts";

/** What commands need besides the bytes. */
export interface ExecuteContext {
  readonly flushes: StableFlushes;
  readonly locks: WorkerLocks;
  readonly epochs: WorkerEpochs;
  readonly notifications: WorkerNotifications;
  readonly words: WorkerWords;
  readonly groups: WorkerGroups;
}

/** The command is done, or its payload is what comes next. */
export const DONE = 0;
/** Answered with a refusal; nothing was changed. */
export const REFUSED = 1;
/** Must wait until queued payload has left; nothing was changed. */
export const STALLED = -1;
/** No client of ours sends this. */
export const MALFORMED = -2;

/** Accesses of up to this many bytes travel in the header. */
export const INLINE_BYTES = 8;
/** The u64 that is the command's operand, a number of the session's own choice. A session that chooses numbers above 2^53 may take one of them for another; its own locks are all that it mixes up. */
export function requestNumber(words: Int32Array, h: number): number {
  const at = operandAt(h);
  return ((words[at] as number) >>> 0) + ((words[at + 1] as number) >>> 0) * 2 ** 32;
}

/** Answers with a status, at once or once the payload that comes with the command has been dropped. */
export function refuse(connection: Connection, words: Int32Array, h: number, why: number): number {
  const revoked = why === UNBOUND && connection.session?.isRevoked(commandHandle(words, h)) === true;
  const status = revoked ? REVOKED : why;
  connection.refusal = status;
  if (commandPayloadBytes(words, h) > 0) expectPayload(connection, REFUSED_PAYLOAD, words, h, status);
  else connection.answer(headerOpcode(words, h), headerTag(words, h), status, 0);
  return REFUSED;
}

/** The command's payload is what comes next. @param status what it is answered with when that is done */
export function expectPayload(
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
