import { statusOf } from "../../../src/std/errors.ts";

/** What a worker may answer, by name. oracle.test.ts holds it against src/target/statuses.ts. */
export const STATUS = {
  OK: 0,
  ABORTED: statusOf("ERR_ABORTED"),
  ALIGNMENT: statusOf("ERR_ALIGNMENT"),
  AUTH: statusOf("ERR_AUTH"),
  DEADLOCK: statusOf("ERR_DEADLOCK"),
  GROUP_ENDED: statusOf("ERR_GROUP_ENDED"),
  GROUP_TAKEN: statusOf("ERR_GROUP_TAKEN"),
  INVALID_ARGUMENT: statusOf("ERR_INVALID_ARGUMENT"),
  IO: statusOf("ERR_IO"),
  NOT_DURABLE: statusOf("ERR_NOT_DURABLE"),
  NOT_SUPPORTED: statusOf("ERR_NOT_SUPPORTED"),
  PROTOCOL: statusOf("ERR_PROTOCOL"),
  RANGE: statusOf("ERR_RANGE"),
  REVOKED: statusOf("ERR_REVOKED"),
  RIGHTS: statusOf("ERR_RIGHTS"),
  TIMEOUT: statusOf("ERR_TIMEOUT"),
  TOO_MANY: statusOf("ERR_TOO_MANY"),
  UNBOUND: statusOf("ERR_BAD_HANDLE"),
  VERSION: statusOf("ERR_VERSION"),
} as const;

export type StatusName = keyof typeof STATUS;

export function statusName(status: number): string {
  return Object.entries(STATUS).find(([, number]) => number === status)?.[0] ?? `status ${status}`;
}

/** What ends a session, or a connection that has none yet. */
export const BREACHES = [
  "magic",
  "version",
  "reserved",
  "payload above the limit",
  "no such command",
  "HELLO again",
  "GET: flags",
  "GET: payload",
  "PUT: flags",
  "PUT: payload",
  "FETCH_OP: operator or word",
  "FETCH_OP: length or payload",
  "COMPARE_AND_SWAP: word",
  "COMPARE_AND_SWAP: length or payload",
  "ACCUMULATE: operator or word",
  "ACCUMULATE: length or payload",
  "FLUSH: flags or payload",
  "LOCK: flags or payload",
  "UNLOCK: flags or payload",
  "EPOCH_GET: flags or payload",
  "EPOCH_GET: length",
  "EPOCH: flags, handle, length or payload",
  "PUT_NOTIFY: flags or payload",
  "GET_NOTIFY: flags or payload",
  "QUEUE_OPEN: flags, length or payload",
  "QUEUE_CLOSE: flags or payload",
  "NOTIFY_NEXT: flags, length or payload",
  "WORD_WAIT: flags, length, operand, compare or payload",
  "WORDS_TOUCHED: flags, operand, compare or payload",
  "GROUP_JOIN: what it has not, or time",
  "GROUP_BARRIER: what it has not, or time",
  "GROUP_LEAVE: what it has not",
  "stranger: no HELLO",
  "stranger: no token",
] as const;

export type Breach = (typeof BREACHES)[number];
