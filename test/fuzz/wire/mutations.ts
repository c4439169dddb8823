import type { Dice } from "../dice.ts";
import { EPOCH_GET_MAX } from "./epoch-payload.ts";
import { ACCESSES, AT, type Batch, HEADER, OPCODES, PAYLOAD_MAX } from "./frame.ts";

/** Lengths and offsets at which something changes. */
const EDGES: readonly number[] = [
  0,
  1,
  7,
  8,
  9,
  PAYLOAD_MAX - 1,
  PAYLOAD_MAX,
  PAYLOAD_MAX + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
];
/** No EPOCH_GET has so many bytes, and no land. */
const BEYOND: readonly number[] = [EPOCH_GET_MAX + 1, 2 ** 22, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63];
const FIELDS = [AT.flags, AT.tag, AT.handle, AT.offset, AT.length, AT.operand, AT.compare] as const;

const LOOK_AT_COMPARE: readonly number[] = [
  OPCODES.LOCK,
  OPCODES.WORD_WAIT,
  OPCODES.WORDS_TOUCHED,
  OPCODES.GROUP_BARRIER,
];

/** Changes the frame that lies at `at` and is the last of the batch. */
type Mutation = (batch: Batch, at: number, dice: Dice) => void;

const allOnes = (batch: Batch, at: number): void => void batch.bytes.fill(0xff, at, at + 8);

function edge(batch: Batch, at: number, dice: Dice): void {
  if (dice.percent(8)) allOnes(batch, at);
  else batch.u64(at, dice.pick(EDGES));
}

/** The wire allows it, so it is answered, if only with a refusal; the session lives on. */
export const MILD: readonly Mutation[] = [
  (batch, at, dice) => {
    if (keepsLines(batch, at)) batch.u64(at + AT.offset, dice.pick(BEYOND));
    else if (!leavesGroup(batch, at)) edge(batch, at + AT.offset, dice);
  },
  (batch, at, dice) => {
    // Where no payload must agree with it.
    const opcode = batch.bytes[at + AT.opcode];
    if (opcode === OPCODES.GET) edge(batch, at + AT.length, dice);
    else if (opcode === OPCODES.EPOCH_GET) batch.u64(at + AT.operand, dice.pick(BEYOND));
    else if (!leavesGroup(batch, at)) edge(batch, at + AT.offset, dice);
  },
  (batch, at, dice) =>
    batch.bytes[at + AT.opcode] !== OPCODES.EPOCH &&
    !isOfGroup(batch, at) &&
    batch.u32(at + AT.handle, dice.pick([...handlesOf(batch, at), 0, 50, 1000, 2 ** 31, 2 ** 32 - 1])),
  // One byte, or one word, beyond or beside.
  (batch, at, dice) => {
    if (leavesGroup(batch, at)) return;
    const steps = keepsLines(batch, at) ? [-4096, 4096] : [-8, -4, -1, 1, 2, 4, 8, 4096];
    const offset = batch.view.getUint32(at + AT.offset, true) + dice.pick(steps);
    batch.u32(at + AT.offset, offset >>> 0);
  },
  (batch, at, dice) => batch.u32(at + AT.tag, dice.pick([0, 1, 2 ** 32 - 1, dice.next()])),
  // What nobody looks at may be anything; who waits looks for how long, and who tells of stores has none.
  (batch, at, dice) =>
    !LOOK_AT_COMPARE.includes(batch.bytes[at + AT.opcode] as number) &&
    dice.fill(batch.bytes.subarray(at + AT.compare, at + AT.compare + 8)),
  duplicated,
];

/**
 * The length of an EPOCH_GET must agree with the lines that it is about: else it is the end of the session, but where the access
 * is refused, and whether others have taken it back by then nobody knows.
 */
function keepsLines(batch: Batch, at: number): boolean {
  return batch.bytes[at + AT.opcode] === OPCODES.EPOCH_GET;
}

function isOfGroup(batch: Batch, at: number): boolean {
  const opcode = batch.bytes[at + AT.opcode] as number;
  return opcode >= OPCODES.GROUP_JOIN && opcode <= OPCODES.GROUP_LEAVE;
}

/** Leaving has neither offset nor window. */
function leavesGroup(batch: Batch, at: number): boolean {
  return batch.bytes[at + AT.opcode] === OPCODES.GROUP_LEAVE;
}

function handlesOf(batch: Batch, at: number): number[] {
  return keepsLines(batch, at) ? [] : [1, 2, 3];
}

function duplicated(batch: Batch, at: number): void {
  const length = batch.end - at;
  if (length > batch.room - PAYLOAD_MAX) return;
  batch.bytes.copyWithin(batch.end, at, batch.end);
  batch.end += length;
}

/** Often the end of the session, in no way that anybody has planned. */
export const WILD: readonly Mutation[] = [
  (batch, at, dice) => {
    for (let flips = dice.between(1, 4); flips > 0; flips -= 1) {
      const place = at + dice.between(0, HEADER - 1);
      batch.bytes[place] = (batch.bytes[place] as number) ^ (1 << dice.between(0, 7));
    }
  },
  // Two fields change places.
  (batch, at, dice) => {
    const [one, other] = [at + dice.pick(FIELDS), at + dice.pick(FIELDS)];
    const kept = batch.view.getUint32(one, true);
    batch.u32(one, batch.view.getUint32(other, true));
    batch.u32(other, kept);
  },
  (batch, at, dice) => batch.cut(dice.between(at, batch.end)),
  (batch, at, dice) => edge(batch, at + dice.pick(FIELDS), dice),
  // Payload shorter or longer than told.
  (batch, at, dice) => batch.u32(at + AT.payloadBytes, dice.pick([0, 1, 8, 9, 500, PAYLOAD_MAX])),
  (batch, _at, dice) => {
    const extra = dice.between(1, 200);
    dice.fill(batch.bytes.subarray(batch.end, batch.end + extra));
    batch.end += extra;
  },
  (batch, at, dice) => batch.u8(at + AT.opcode, dice.pick([...ACCESSES, dice.between(0, 255)])),
  (batch, at, dice) => dice.fill(batch.bytes.subarray(at, batch.end)),
];

/** The end of the session, in one way each. */
export const BREAKING: readonly Mutation[] = [
  (batch, at, dice) => batch.u16(at + AT.magic, dice.pick([0, 0xd1db, 0xdad1])),
  (batch, at, dice) => batch.u8(at + AT.version, dice.pick([0, 2, 255])),
  (batch, at, dice) => {
    const place = dice.pick([AT.zero, AT.notification, AT.notification + 4, AT.lastZero]);
    batch.u16(at + place, dice.between(1, 0xffff));
  },
  (batch, at, dice) => batch.u32(at + AT.payloadBytes, dice.pick([PAYLOAD_MAX + 1, 2 ** 31, 2 ** 32 - 1])),
  (batch, at, dice) => batch.u8(at + AT.opcode, dice.pick([0, 22, 31, 32, 255])),
  (batch, at, dice) => alone(batch, at, OPCODES.HELLO, () => batch.payload(at, dice.pick([0, 32]))),
  (batch, at, dice) => alone(batch, at, OPCODES.GET, () => batch.u16(at + AT.flags, dice.between(1, 0xffff))),
  (batch, at, dice) => alone(batch, at, OPCODES.GET, () => batch.payload(at, dice.between(1, 16))),
  (batch, at, dice) => alone(batch, at, OPCODES.PUT, () => batch.u16(at + AT.flags, dice.between(1, 0xffff))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.PUT, () => {
      const length = dice.pick([0, 8, 9, 100]);
      batch.u64(at + AT.length, length);
      batch.payload(at, length === 100 ? 99 : length === 9 ? 0 : Math.max(1, length));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.FETCH_OP, () =>
      batch.u16(at + AT.flags, dice.pick([5, 15, 0x70, 0xff4, 0xffff])),
    ),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.FETCH_OP, () => {
      batch.u64(at + AT.length, dice.pick([0, 4, 9, 2 ** 32 + 8]));
      if (dice.percent(50)) batch.payload(at, 8);
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.COMPARE_AND_SWAP, () => batch.u16(at + AT.flags, dice.pick([5, 16, 0xffff]))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.COMPARE_AND_SWAP, () => {
      batch.u64(at + AT.length, dice.pick([0, 4, 9, 2 ** 53]));
      if (dice.percent(50)) batch.payload(at, 8);
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.ACCUMULATE, () => batch.u16(at + AT.flags, dice.pick([5, 15, 0x70, 0xffff]))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.ACCUMULATE, () => {
      batch.u64(at + AT.length, dice.pick([7, 12, 2 ** 32 + 8]));
      batch.payload(at, dice.pick([7, 12, 20]));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.FLUSH, () => batch.u16(at + AT.flags, dice.between(2, 0xffff))),
  (batch, at, dice) => alone(batch, at, OPCODES.FLUSH, () => batch.payload(at, dice.between(1, 9))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.LOCK, () => batch.u16(at + AT.flags, dice.between(2, 0xffff))),
  (batch, at, dice) => alone(batch, at, OPCODES.LOCK, () => batch.payload(at, dice.between(1, 9))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.UNLOCK, () => batch.u16(at + AT.flags, dice.between(1, 0xffff))),
  (batch, at, dice) => alone(batch, at, OPCODES.UNLOCK, () => batch.payload(at, dice.between(1, 9))),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.EPOCH_GET, () => {
      if (dice.percent(50)) batch.u16(at + AT.flags, dice.between(1, 0xffff));
      else batch.payload(at, dice.between(1, 9));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.EPOCH_GET, () => {
      batch.u32(at + AT.handle, 1);
      batch.u64(at + AT.operand, 5);
      batch.u64(at + AT.length, dice.pick([0, 5, 12, 14, 21, 2 ** 32 + 13]));
    }),
  (batch, at) => alone(batch, at, OPCODES.EPOCH, () => batch.u32(at + AT.handle, 0)),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.EPOCH, () => {
      batch.u32(at + AT.handle, 1);
      batch.u64(at + AT.length, 80);
      batch.payload(at, 80);
      if (dice.percent(50)) batch.u16(at + AT.flags, dice.between(1, 0xffff));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.EPOCH, () => {
      batch.u32(at + AT.handle, 0);
      batch.u64(at + AT.length, dice.pick([0, 79, 81, 2 ** 32 + 80]));
      batch.payload(at, 80);
    }),
  ...[OPCODES.PUT_NOTIFY, OPCODES.GET_NOTIFY, OPCODES.QUEUE_CLOSE].map(
    (opcode): Mutation =>
      (batch, at, dice) =>
        alone(batch, at, opcode, () => {
          const least = opcode === OPCODES.PUT_NOTIFY ? 2 : 1;
          if (dice.percent(50)) batch.u16(at + AT.flags, dice.between(least, 0xffff));
          else batch.payload(at, dice.between(1, 9));
        }),
  ),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.QUEUE_OPEN, () => {
      const length = dice.pick([63, 64, 65]);
      batch.u64(at + AT.length, length);
      batch.payload(at, dice.pick([63, 65]));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.NOTIFY_NEXT, () => {
      batch.u64(at + AT.length, dice.pick([0, 1, 63, 65, 65 * 64, 2 ** 32 + 64]));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.WORD_WAIT, () => {
      batch.u64(at + AT.length, dice.pick([4, 8]));
      if (dice.percent(50)) batch.u16(at + AT.flags, dice.between(2, 0xffff));
      else batch.payload(at, dice.between(1, 9));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.WORD_WAIT, () => {
      batch.u64(at + AT.length, dice.pick([0, 2, 7, 9, 2 ** 32 + 8]));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.WORD_WAIT, () => {
      batch.u64(at + AT.length, 4);
      batch.u32(at + dice.pick([AT.operand, AT.compare]) + 4, dice.between(1, 0xffff));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.WORDS_TOUCHED, () => {
      const place = dice.pick([AT.flags, AT.operand, AT.operand + 4, AT.compare, AT.compare + 4]);
      if (dice.percent(80)) batch.u16(at + place, dice.between(1, 0xffff));
      else batch.payload(at, dice.between(1, 9));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.GROUP_JOIN, () => {
      batch.u32(at + AT.handle, 0);
      batch.u64(at + AT.offset, 2);
      hasNot(batch, at, dice, () => batch.u64(at + AT.length, dice.pick([2 ** 32, 2 ** 53])));
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.GROUP_BARRIER, () => {
      batch.u32(at + AT.handle, 0);
      hasNot(batch, at, dice, () => {
        if (dice.percent(50)) batch.u64(at + AT.length, dice.pick([1, 2 ** 32]));
        else batch.u32(at + AT.compare + 4, dice.between(1, 0xffff));
      });
    }),
  (batch, at, dice) =>
    alone(batch, at, OPCODES.GROUP_LEAVE, () => {
      batch.u32(at + AT.handle, 0);
      hasNot(batch, at, dice, () =>
        batch.u64(at + dice.pick([AT.offset, AT.length]), dice.pick([1, 2 ** 32])),
      );
    }),
];

/** What no command about a group has: flags, a window, a payload, or what `other` gives it. */
function hasNot(batch: Batch, at: number, dice: Dice, other: () => void): void {
  const which = dice.between(0, 3);
  if (which === 0) batch.u16(at + AT.flags, dice.between(1, 0xffff));
  else if (which === 1) batch.u32(at + AT.handle, dice.between(1, 0xffff));
  else if (which === 2) batch.payload(at, dice.between(1, 9));
  else other();
}

/** Makes the frame another command without fields and payload, and then what `body` says. */
function alone(batch: Batch, at: number, opcode: number, body: () => void): void {
  const handle = batch.view.getUint32(at + AT.handle, true);
  batch.end = at;
  batch.header(opcode, 7, handle);
  batch.u64(at + AT.length, opcode === OPCODES.FETCH_OP || opcode === OPCODES.COMPARE_AND_SWAP ? 8 : 0);
  body();
}
