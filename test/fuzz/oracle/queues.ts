import { AT, u64At } from "../wire/frame.ts";
import { NOTICE_BYTES, NOTICES_MAX, NOTIFIED_GET_MAX, QUEUE_BYTES } from "../wire/queue-frames.ts";
import type { Expected } from "./answers.ts";
import { type Breach, STATUS } from "./statuses.ts";

/** More cannot have been moved before. */
const BEFORE_MAX = 2 ** 53 - 1 - 2 ** 20;
/** What others decide, who read their queues or do not. */
const NOTIFIED = [STATUS.OK, STATUS.TOO_MANY, STATUS.ABORTED];

type Telling = Pick<Expected, "statuses" | "value" | "what"> & Partial<Expected>;

/** What comes of an access that notifies, where it is allowed. */
export const NOTIFIED_TELLING: Telling = { statuses: NOTIFIED, value: 0n, what: "NOTIFY" };

/** What is said of the access that notifies refuses it. @param most bytes that one may move */
export function refusesNotice(header: DataView, most = Number.POSITIVE_INFINITY): boolean {
  return u64At(header, AT.compare) > BEFORE_MAX || u64At(header, AT.length) > most;
}

export const GET_MAX: number = NOTIFIED_GET_MAX;

/** What ends the session; undefined where it is well formed. */
export function openBreach(header: DataView): Breach | undefined {
  const isRight =
    header.getUint16(AT.flags, true) === 0 &&
    header.getUint32(AT.payloadBytes, true) === QUEUE_BYTES &&
    u64At(header, AT.length) === QUEUE_BYTES;
  return isRight ? undefined : "QUEUE_OPEN: flags, length or payload";
}

export function nextBreach(header: DataView): Breach | undefined {
  const length = u64At(header, AT.length);
  const isRight =
    header.getUint16(AT.flags, true) === 0 &&
    header.getUint32(AT.payloadBytes, true) === 0 &&
    length > 0 &&
    length % NOTICE_BYTES === 0 &&
    length <= NOTICES_MAX * NOTICE_BYTES;
  return isRight ? undefined : "NOTIFY_NEXT: flags, length or payload";
}

/** What may come of a NOTIFY_NEXT that is well formed. */
export function nextTelling(header: DataView): Telling {
  return {
    statuses: [STATUS.OK, STATUS.TOO_MANY, STATUS.UNBOUND, STATUS.REVOKED, STATUS.ABORTED],
    value: undefined,
    noticesMax: u64At(header, AT.length) / NOTICE_BYTES,
    what: "NEXT",
  };
}

/** The range that a queue is to be opened on, or undefined where its payload is nonsense. */
export function queueRange(payload: Uint8Array): { at: number; length: number } | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const [capacity, flags, tag] = [
    view.getUint32(20, true),
    view.getUint32(24, true),
    view.getUint32(28, true),
  ];
  const counts = (flags & 1) !== 0;
  const isNonsense =
    flags > 15 ||
    // What is to be on a board is a list that lets in any source.
    ((flags & 8) !== 0 && (flags & 5) !== 4) ||
    (counts && capacity !== 0) ||
    ((flags & 2) !== 0 && tag !== 0) ||
    ((flags & 4) !== 0 && payload.subarray(32).some((byte) => byte !== 0));
  if (isNonsense) return undefined;
  return { at: u64At(view, 0), length: u64At(view, 8) };
}

export const OPEN_TELLING: Telling = {
  statuses: [STATUS.OK, STATUS.TOO_MANY, STATUS.INVALID_ARGUMENT],
  value: 0n,
  what: "OPEN",
};
