import type { GroupClaim } from "../epoch/group.ts";
import { GROUP_ACTION } from "../epoch/group-actions.ts";
import { GROUP_LIMITS } from "../epoch/group-limits.ts";
import { GroupTable } from "../epoch/group-table.ts";
import type { Clock } from "../ports/clock.ts";
import { OPCODE, valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import { COUNTER } from "./counters.ts";
import {
  ABORTED,
  GROUP_ENDED,
  GROUP_TAKEN,
  INVALID_ARGUMENT,
  OK,
  TIMEOUT,
  TOO_MANY,
  UNBOUND,
} from "./statuses.ts";
import type { WaitingCommand, WaitingCommands } from "./waiting-commands.ts";

/** Twelve days: nothing waits for ever. */
const WAIT_MS_MAX = 2 ** 30;
const TWO_32 = 2 ** 32;
const TWO_16 = 2 ** 16;

/** What each action is answered with. */
const STATUSES: Readonly<Record<number, number>> = {
  [GROUP_ACTION.JOINED]: OK,
  [GROUP_ACTION.PASSED]: OK,
  [GROUP_ACTION.BROKEN]: GROUP_ENDED,
  [GROUP_ACTION.TIMED_OUT]: TIMEOUT,
  [GROUP_ACTION.CANCELLED]: ABORTED,
  [GROUP_ACTION.MISMATCH]: INVALID_ARGUMENT,
  [GROUP_ACTION.TAKEN]: GROUP_TAKEN,
  [GROUP_ACTION.REPEATED]: INVALID_ARGUMENT,
  [GROUP_ACTION.UNKNOWN]: UNBOUND,
  [GROUP_ACTION.REFUSED]: TOO_MANY,
};

/** Which barrier a member has come to. */
export interface BarrierAt {
  readonly session: number;
  readonly number: number;
  readonly round: number;
}

/** The groups that are at home at this worker: commands, and what ends, become events of the group table. */
export class WorkerGroups {
  /** Made when somebody joins: most workers are no group's home. */
  #table: GroupTable<WaitingCommand> | undefined;
  readonly #counters: Float64Array;
  readonly #clock: Clock;
  readonly #waiting: WaitingCommands;

  constructor(counters: Float64Array, clock: Clock, waiting: WaitingCommands) {
    this.#counters = counters;
    this.#clock = clock;
    this.#waiting = waiting;
  }

  /** Carries out a GROUP_JOIN on a connection that has room for the answer. */
  join(connection: Connection, claim: GroupClaim, waitMs: number, tag: number): void {
    const command = this.#waiting.expect(connection, claim.session, OPCODE.GROUP_JOIN, tag);
    const { size, rank } = claim;
    // To the table that is a limit like others, and waiting helps with those.
    if (size < 2 || size > GROUP_LIMITS.sizeMax || rank >= size) {
      this.#waiting.settle(command, INVALID_ARGUMENT, 0);
      return;
    }
    this.#table ??= new GroupTable<WaitingCommand>();
    this.#table.join(claim, Math.min(waitMs, WAIT_MS_MAX), command, this.#clock.nowMs());
    this.#carryOut(this.#table);
  }

  /** Carries out a GROUP_BARRIER on a connection that has room for the answer. */
  barrier(connection: Connection, at: BarrierAt, waitMs: number, tag: number): void {
    const command = this.#waiting.expect(connection, at.session, OPCODE.GROUP_BARRIER, tag);
    if (this.#table === undefined) {
      this.#waiting.settle(command, UNBOUND, 0);
      return;
    }
    const { session, number, round } = at;
    const nowMs = this.#clock.nowMs();
    this.#table.barrier(session, number, round, Math.min(waitMs, WAIT_MS_MAX), command, nowMs);
    this.#carryOut(this.#table);
  }

  /** Carries out a GROUP_LEAVE on a connection that has room for the answer: that one comes before all that it leads to. */
  leave(connection: Connection, session: number, name: string, tag: number): void {
    const found = this.#table?.leave(session, name) === true;
    const at = connection.answer(OPCODE.GROUP_LEAVE, tag, OK, 0);
    connection.queue.headerWords[valueAt(at)] = found ? 1 : 0;
    if (this.#table !== undefined) this.#carryOut(this.#table);
  }

  /** A connection of the session has ended, on which something waited. */
  endWaits(session: number): void {
    if (this.#table === undefined) return;
    this.#table.endWaits(session);
    this.#carryOut(this.#table);
  }

  endSession(session: number): void {
    if (this.#table === undefined) return;
    this.#table.endSession(session);
    this.#carryOut(this.#table);
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    const table = this.#table;
    if (table === undefined || nowMs < table.dueMs) return 0;
    table.expire(nowMs);
    const work = table.actions.count;
    this.#carryOut(table);
    return work;
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    const dueMs = this.#table?.dueMs ?? Number.POSITIVE_INFINITY;
    if (dueMs === Number.POSITIVE_INFINITY) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, Math.ceil(dueMs - this.#clock.nowMs())));
  }

  #carryOut(table: GroupTable<WaitingCommand>): void {
    const { actions } = table;
    for (let i = 0; i < actions.count; i += 1) {
      const kind = actions.kinds[i] as number;
      const rank = actions.ranks[i] as number;
      const command = actions.waiters[i] as WaitingCommand;
      const status = STATUSES[kind] as number;
      if (kind === GROUP_ACTION.JOINED) {
        const number = actions.groups[i] as number;
        this.#waiting.settle(command, status, number | 0, rank | (Math.floor(number / TWO_32) * TWO_16));
      } else this.#waiting.settle(command, status, rank);
    }
    actions.clear();
    this.#counters[COUNTER.groups] = table.groupCount;
    this.#counters[COUNTER.groupsWaiting] = table.waitingCount;
  }
}
