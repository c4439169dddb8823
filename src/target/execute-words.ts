import { READ, WRITE } from "../iommu/domain.ts";
import {
  commandFlags,
  commandHandle,
  commandLength,
  commandOffset,
  commandPayloadBytes,
  compareAt,
  headerTag,
  OPCODE,
  operandAt,
} from "../wire/header.ts";
import { WORD_WAIT_END } from "../wire/ops.ts";
import { DONE, MALFORMED, refuse } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { ALIGNMENT, INPUT_OUTPUT, OK, refusalStatus } from "./statuses.ts";
import type { WorkerNotifications } from "./worker-notifications.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";
import type { WorkerWords } from "./worker-words.ts";

export function wordWait(
  connection: Connection,
  session: WorkerSession,
  waits: WorkerWords,
  words: Int32Array,
  h: number,
): number {
  const flags = commandFlags(words, h);
  const bytes = commandLength(words, h);
  if (flags > WORD_WAIT_END || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  if (bytes !== 4 && bytes !== 8) return MALFORMED;
  const [operand, compare] = [operandAt(h), compareAt(h)];
  const [low, high] = [words[operand] as number, words[operand + 1] as number];
  if (words[compare + 1] !== 0 || (bytes === 4 && high !== 0)) return MALFORMED;
  const waitMs = (words[compare] as number) >>> 0;
  if (flags === WORD_WAIT_END && (low !== 0 || high !== 0 || waitMs !== 0)) return MALFORMED;
  const handle = commandHandle(words, h);
  const at = session.domain.translate(handle, commandOffset(words, h), bytes, READ);
  if (at < 0) return refuse(connection, words, h, refusalStatus(at));
  if (at % bytes !== 0) return refuse(connection, words, h, ALIGNMENT);
  const region = session.domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  const claim = { handle, at, bytes, low, high } as const;
  if (flags === WORD_WAIT_END) {
    connection.answer(OPCODE.WORD_WAIT, headerTag(words, h), OK, 0);
    waits.takeBack(session, claim);
    return DONE;
  }
  const status = waits.wait(connection, session, region, claim, waitMs, headerTag(words, h));
  return status === OK ? DONE : refuse(connection, words, h, status);
}

export function wordsTouched(
  connection: Connection,
  { domain }: WorkerSession,
  notifications: WorkerNotifications,
  words: Int32Array,
  h: number,
): number {
  if (commandFlags(words, h) !== 0 || commandPayloadBytes(words, h) !== 0) return MALFORMED;
  const operand = operandAt(h);
  for (let i = 0; i < 4; i += 1) if (words[operand + i] !== 0) return MALFORMED;
  // Whatever range is named, it is only held against those of words: a file may have been cut since somebody stored to it.
  const base = domain.translate(commandHandle(words, h), 0, 0, WRITE);
  if (base < 0) return refuse(connection, words, h, refusalStatus(base));
  const region = domain.region as WorkerRegion;
  if (region.failed) return refuse(connection, words, h, INPUT_OUTPUT);
  connection.answer(OPCODE.WORDS_TOUCHED, headerTag(words, h), OK, 0);
  region.watch?.touched(region, base + commandOffset(words, h), commandLength(words, h));
  notifications.touched(region);
  return DONE;
}
