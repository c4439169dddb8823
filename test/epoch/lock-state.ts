import type { LockRequest } from "../../src/epoch/lock-request.ts";
import { type LockRun, type Mirrored, TICK_MS } from "./lock-run.ts";

type Request = LockRequest<Mirrored>;

interface Queue {
  readonly granted: readonly Request[];
  readonly waiting: readonly Request[];
}

/** What decides how a table goes on, as it has it inside where its module is `opened`. */
interface OpenTable {
  readonly _queues: ReadonlyMap<string, Queue>;
  readonly _waits: ReadonlyMap<string, ReadonlySet<Request>>;
  readonly _sessions: ReadonlyMap<number, ReadonlyMap<number, Request>>;
  readonly _dueMs: number;
}

const END_OF_LIST = "|";

/**
 * Tables with the same text go on alike, but for the names of sessions. These decide nothing, so sessions are named anew: by
 * their first waits in the order of asking, and those that wait for nothing by what they hold; two that hold the same are alike.
 * Beside what holds and what waits, the order of owners counts, in which waits are looked at. Left out is what decides nothing either:
 * - ages beyond one tick, which is when all counts as old;
 * - the order of those who hold: it says only in which of several circles a victim waits;
 * - the order of a session's requests: when several end at once, all are taken out before the first of the others is let in;
 * - when the table is to be looked at next: too early finds nothing to do, and the run checks that it is not too late.
 */
export function described(run: LockRun, sessions: number): string {
  return describedAs(run, namesFor(run, sessions));
}

/** @returns by session its new name, which does not depend on its old one */
function namesFor(run: LockRun, sessions: number): number[] {
  const { _queues } = run.table as unknown as OpenTable;
  const order: number[] = [];
  const holds = Array.from({ length: sessions }, (_, session) => gone(run, session));
  for (const { granted, waiting } of _queues.values()) {
    for (const { session } of waiting) if (!order.includes(session)) order.push(session);
    for (const one of granted) {
      const { session, id } = one;
      holds[session] = (holds[session] as number) + (1 + manner(run, one)) * 5 ** (id + 1);
    }
  }
  const others = [...holds.keys()].filter((session) => !order.includes(session));
  others.sort((one, other) => (holds[one] as number) - (holds[other] as number));
  const names: number[] = [];
  for (const [name, session] of [...order, ...others].entries()) names[session] = name;
  return names;
}

/** Has not crashed, has, and is forgotten. */
function gone({ crashed }: LockRun, session: number): number {
  const forgotten = crashed.get(session);
  return forgotten === undefined ? 0 : forgotten ? 2 : 1;
}

/** Exclusive or not, and whether it counts as old: less than 4. */
function manner(run: LockRun, { exclusive, sinceMs }: Request): number {
  return (exclusive ? 2 : 0) + (sinceMs < run.now * TICK_MS ? 1 : 0);
}

function describedAs(run: LockRun, names: readonly number[]): string {
  const { _queues, _waits } = run.table as unknown as OpenTable;
  const nowMs = run.now * TICK_MS;
  const told = (one: Request): number =>
    ((names[one.session] as number) * run.ranges.length + one.id) * 4 + manner(run, one);
  let text = "";
  for (const { granted, waiting } of _queues.values()) {
    for (const one of granted.map(told).sort((a, b) => a - b)) text += letter(one);
    text += END_OF_LIST;
    for (const one of waiting) {
      text += letter(told(one)) + letter((one.deadlineMs - nowMs) / TICK_MS);
      text += letter((one.checkMs - nowMs) / TICK_MS);
    }
    text += END_OF_LIST;
  }
  for (const waits of _waits.values()) {
    for (const { session } of waits) {
      text += letter(names[session] as number);
      break;
    }
  }
  text += END_OF_LIST;
  for (const session of run.crashed.keys()) text += letter(names[session] as number) + gone(run, session);
  return text;
}

/** With the order of everything, and all that `described` leaves out but ages. */
export function describedExactly(run: LockRun, sessions: number): string {
  const { _queues, _waits, _sessions, _dueMs } = run.table as unknown as OpenTable;
  const held = [..._queues.values()].map(({ granted }) => granted.map(({ session, id }) => [session, id]));
  const requests = [..._sessions].map(([session, ids]) => [session, ...ids.keys()]);
  const owners = [..._waits.keys()];
  return JSON.stringify([
    describedAs(run, [...Array(sessions).keys()]),
    held,
    requests,
    owners,
    `${_dueMs - run.now * TICK_MS}`,
  ]);
}

/** Of a small number, none of END_OF_LIST. */
function letter(number: number): string {
  return String.fromCharCode(128 + number);
}
