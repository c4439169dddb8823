import {
  commandFlags,
  commandHandle,
  commandLength,
  commandOffset,
  commandPayloadBytes,
  compareAt,
  headerTag,
  operandAt,
} from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import type { WorkerGroups } from "./worker-groups.ts";
import type { WorkerSession } from "./worker-session.ts";

const TWO_32 = 2 ** 32;

/** Carries out a GROUP_JOIN on a connection that may answer one. @returns whether it is well formed */
export function joinGroup(
  connection: Connection,
  session: WorkerSession,
  groups: WorkerGroups,
  words: Int32Array,
  h: number,
): boolean {
  const waitMs = commandLength(words, h);
  if (!isPlain(words, h) || waitMs >= TWO_32) return false;
  const size = (words[h + 4] as number) >>> 0;
  const rank = ((words[h + 5] as number) >>> 0) - 1;
  const claim = { session: session.number, name: groupName(words, h), size, rank };
  groups.join(connection, claim, waitMs, headerTag(words, h));
  return true;
}

/** Carries out a GROUP_BARRIER on a connection that may answer one. @returns whether it is well formed */
export function groupBarrier(
  connection: Connection,
  session: WorkerSession,
  groups: WorkerGroups,
  words: Int32Array,
  h: number,
): boolean {
  const compare = compareAt(h);
  if (!isPlain(words, h) || commandLength(words, h) !== 0 || words[compare + 1] !== 0) return false;
  const operand = operandAt(h);
  const number = ((words[operand] as number) >>> 0) + ((words[operand + 1] as number) >>> 0) * TWO_32;
  const at = { session: session.number, number, round: commandOffset(words, h) };
  groups.barrier(connection, at, (words[compare] as number) >>> 0, headerTag(words, h));
  return true;
}

/** Carries out a GROUP_LEAVE on a connection that may answer one. @returns whether it is well formed */
export function leaveGroup(
  connection: Connection,
  session: WorkerSession,
  groups: WorkerGroups,
  words: Int32Array,
  h: number,
): boolean {
  if (!isPlain(words, h) || commandOffset(words, h) !== 0 || commandLength(words, h) !== 0) return false;
  groups.leave(connection, session.number, groupName(words, h), headerTag(words, h));
  return true;
}

/** It has no flags, no window and no payload. */
function isPlain(words: Int32Array, h: number): boolean {
  return commandFlags(words, h) === 0 && commandHandle(words, h) === 0 && commandPayloadBytes(words, h) === 0;
}

/** One text for each name: what hashes alike is one group. */
function groupName(words: Int32Array, h: number): string {
  const [operand, compare] = [operandAt(h), compareAt(h)];
  return `${words[operand]} ${words[operand + 1]} ${words[compare]} ${words[compare + 1]}`;
}
