import assert from "node:assert/strict";
import { AT, OPCODES, u64At } from "../wire/frame.ts";
import type { KnownGroups } from "../wire/group-frames.ts";
import type { Expected } from "./answers.ts";
import { type Breach, STATUS } from "./statuses.ts";

const SIZE_MAX = 1024;
const TWO_32 = 2 ** 32;

/** What others decide: whatever comes of a request that is allowed. */
const JOIN_STATUSES = [
  STATUS.OK,
  STATUS.ABORTED,
  STATUS.GROUP_ENDED,
  STATUS.GROUP_TAKEN,
  STATUS.INVALID_ARGUMENT,
  STATUS.TIMEOUT,
  STATUS.TOO_MANY,
];
const BARRIER_STATUSES = [
  STATUS.OK,
  STATUS.ABORTED,
  STATUS.GROUP_ENDED,
  STATUS.INVALID_ARGUMENT,
  STATUS.TIMEOUT,
  STATUS.UNBOUND,
];

/** What may come of a command about a group, and for how many milliseconds nothing may. */
export interface GroupTelling {
  readonly more: Partial<Expected>;
  readonly waitMs: number;
}

/** @returns what ends the session; undefined where it is well formed */
export function groupBreach(header: DataView): Breach | undefined {
  const isPlain =
    header.getUint16(AT.flags, true) === 0 &&
    header.getUint32(AT.handle, true) === 0 &&
    header.getUint32(AT.payloadBytes, true) === 0;
  switch (header.getUint8(AT.opcode)) {
    case OPCODES.GROUP_JOIN:
      return isPlain && u64At(header, AT.length) < TWO_32
        ? undefined
        : "GROUP_JOIN: what it has not, or time";
    case OPCODES.GROUP_BARRIER: {
      const isRight = u64At(header, AT.length) === 0 && header.getUint32(AT.compare + 4, true) === 0;
      return isPlain && isRight ? undefined : "GROUP_BARRIER: what it has not, or time";
    }
    default: {
      const isRight = u64At(header, AT.offset) === 0 && u64At(header, AT.length) === 0;
      return isPlain && isRight ? undefined : "GROUP_LEAVE: what it has not";
    }
  }
}

/** Of a well-formed GROUP_JOIN or GROUP_BARRIER. */
export function groupTelling(header: DataView, known: KnownGroups | undefined): GroupTelling {
  return header.getUint8(AT.opcode) === OPCODES.GROUP_JOIN
    ? joinTelling(header, known)
    : barrierTelling(header, known);
}

function joinTelling(header: DataView, known: KnownGroups | undefined): GroupTelling {
  const size = header.getUint32(AT.offset, true);
  const rank = header.getUint32(AT.offset + 4, true) - 1;
  const name = u64At(header, AT.operand);
  const canBe = size >= 2 && size <= SIZE_MAX && rank < size;
  const heard = (status: number, value: number): void => {
    if (status === STATUS.OK) known?.joined(name, value);
    else checkRank(status, value);
    if (status === STATUS.GROUP_ENDED) known?.ended(name);
  };
  const statuses = canBe ? JOIN_STATUSES : [STATUS.INVALID_ARGUMENT];
  return { more: { statuses, value: undefined, what: "JOIN", heard }, waitMs: u64At(header, AT.length) };
}

function barrierTelling(header: DataView, known: KnownGroups | undefined): GroupTelling {
  const number = u64At(header, AT.operand);
  const heard = (status: number, value: number): void => {
    if (status === STATUS.OK) known?.passed(number);
    else checkRank(status, value);
    if (status === STATUS.GROUP_ENDED || status === STATUS.UNBOUND) known?.lost(number);
  };
  const waitMs = header.getUint32(AT.compare, true);
  return { more: { statuses: BARRIER_STATUSES, value: 0n, what: "BARRIER", heard }, waitMs };
}

/** Who is told that a group has ended is told through whom. */
function checkRank(status: number, value: number): void {
  if (status === STATUS.GROUP_ENDED) assert.ok(value < SIZE_MAX, `a rank of ${value}`);
}
