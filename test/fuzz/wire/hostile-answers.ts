import { ERROR_TABLE } from "../../../src/std/errors.ts";
import { mutated } from "../decoders/decoder.ts";
import type { Dice } from "../dice.ts";
import { ANSWERS, KINDS } from "./epoch-payload.ts";
import { AT, HEADER, OPCODES, u64At } from "./frame.ts";

const ANSWER_MAGIC = 0xd1db;
const STATUSES: readonly number[] = [
  0,
  0,
  0,
  ...Object.values(ERROR_TABLE).map(([status]) => status),
  999,
  0xffff,
];
const INLINE = 8;
/** What an honest target says to a message about an epoch that nothing is in the way of. */
const TOLD: Readonly<Record<number, number>> = {
  [KINDS.PREPARE]: ANSWERS.PREPARED,
  [KINDS.COMMIT_ALONE]: ANSWERS.COMMITTED,
  [KINDS.DECIDE]: ANSWERS.COMMITTED,
  [KINDS.FINISH_COMMITTED]: ANSWERS.COMMITTED,
  [KINDS.FINISH_ABORTED]: ANSWERS.ABORTED,
  [KINDS.VALIDATE]: ANSWERS.COMMITTED,
};

/**
 * Bytes that a target could send to somebody who has sent `commands`: a right answer, out of order or once more,
 * with fields that are not right, cut, or nothing that anybody would send.
 * @param answered commands that were answered before
 */
export function hostileAnswer(commands: Uint8Array, answered: number, dice: Dice): Uint8Array {
  const view = new DataView(commands.buffer, commands.byteOffset, commands.byteLength);
  const heads = headsOf(view);
  if (heads.length === 0) return new Uint8Array(0);
  const next = heads[answered];
  const answer = answerTo(view, next !== undefined && dice.percent(95) ? next : dice.pick(heads), dice);
  return dice.percent(95) ? answer : mutated(answer, dice);
}

/** Where the commands lie that have come whole. */
function headsOf(view: DataView): number[] {
  const heads: number[] = [];
  for (let at = 0; view.byteLength - at >= HEADER; ) {
    const end = at + HEADER + view.getUint32(at + AT.payloadBytes, true);
    if (end > view.byteLength) break;
    heads.push(at);
    at = end;
  }
  return heads;
}

function answerTo(commands: DataView, at: number, dice: Dice): Uint8Array {
  const opcode = commands.getUint8(at + AT.opcode);
  const length = u64At(commands, at + AT.length);
  const status = dice.percent(60) ? 0 : dice.pick(STATUSES);
  const isRead = (opcode === OPCODES.GET && length > INLINE) || opcode === OPCODES.EPOCH_GET;
  const right = isRead && status === 0 ? length : 0;
  const sent = dice.percent(97) ? right : dice.pick([0, 1, 8, 9, 4096]);
  const answer = new Uint8Array(HEADER + sent);
  const view = new DataView(answer.buffer);
  view.setUint16(0, ANSWER_MAGIC, true);
  view.setUint8(2, 1);
  view.setUint8(3, dice.percent(95) ? opcode : dice.between(0, 255));
  view.setUint16(4, dice.percent(95) ? 0 : dice.between(0, 0xffff), true);
  view.setUint16(6, status, true);
  view.setUint32(8, commands.getUint32(at + AT.tag, true), true);
  view.setUint32(12, dice.percent(97) ? sent : dice.pick([0, 1, 9, 2 ** 20, 2 ** 31, 2 ** 32 - 1]), true);
  dice.fill(answer.subarray(16, 24));
  dice.fill(answer.subarray(HEADER));
  if (opcode === OPCODES.EPOCH && dice.percent(90)) {
    const kind = commands.getUint32(at + HEADER, true);
    const told = dice.percent(80) ? (TOLD[kind] ?? 0) : dice.pick(Object.values(ANSWERS));
    view.setBigUint64(16, BigInt(told), true);
  }
  // Versions of lines that nobody has written, or is about to write.
  const versionsAt = HEADER + u64At(commands, at + AT.operand);
  if (opcode === OPCODES.EPOCH_GET && dice.percent(90))
    answer.fill(0, dice.percent(70) ? HEADER : versionsAt);
  return answer;
}
