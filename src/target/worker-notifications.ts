import { NOTIFICATION_ACTION } from "../epoch/notification-actions.ts";
import {
  ENTRY_WORDS,
  entryAt,
  entryBefore,
  entryLength,
  entrySequence,
  entrySource,
  entryStamp,
  entryTag,
} from "../epoch/notification-entry.ts";
import { ANY, type NotificationQueue } from "../epoch/notification-queue.ts";
import { NotificationTable } from "../epoch/notification-table.ts";
import { READ } from "../iommu/domain.ts";
import type { Clock } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { isDidafsError, statusOf } from "../std/errors.ts";
import { OPCODE, valueAt } from "../wire/header.ts";
import { decodeQueue, encodeNotice, NOTICE_BYTES } from "../wire/notifications.ts";
import type { Connection } from "./connection.ts";
import { COUNTER, countOne } from "./counters.ts";
import type { ToWorker } from "./messages.ts";
import { NotificationSources } from "./notification-sources.ts";
import {
  ABORTED,
  INPUT_OUTPUT,
  INVALID_ARGUMENT,
  OK,
  PROTOCOL,
  REVOKED,
  TOO_MANY,
  UNBOUND,
} from "./statuses.ts";
import type { WaitingCommand, WaitingCommands } from "./waiting-commands.ts";
import { WorkerBoards } from "./worker-boards.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** Bytes of copies that wait to be answered, of all sessions. */
const HELD_BYTES_MAX = 64 << 20;
const TWO_32 = 2 ** 32;

/** Openings are answered when they come, all else waits. */
type Table = NotificationTable<WaitingCommand | undefined>;

/** The queues of the regions that are at home at this worker: commands and orders become events of the notification table. */
export class WorkerNotifications {
  readonly #counters: Float64Array;
  readonly #clock: Clock;
  readonly #waiting: WaitingCommands;
  readonly #sources = new NotificationSources();
  readonly #boards: WorkerBoards;
  /** Made when somebody first opens a queue, or asks for a board. */
  #table: Table | undefined;
  readonly #inUse = (): ReadonlySet<number> => (this.#table as Table).sources();

  constructor(counters: Float64Array, clock: Clock, waiting: WaitingCommands, memoryPort: MemoryPort) {
    this.#counters = counters;
    this.#clock = clock;
    this.#waiting = waiting;
    this.#boards = new WorkerBoards(memoryPort);
  }

  /** False where `notify` would refuse the access, with TOO_MANY. To be asked before bytes are moved. */
  accepts(session: WorkerSession, region: WorkerRegion, at: number, length: number, tag: number): boolean {
    if (this.#table === undefined) return true;
    return this.#table.accepts(region.key, session.number, at, length, this.#sourceOf(session), tag);
  }

  /** False where a get of so many bytes has no room in which its answer could wait. */
  hasRoomFor(length: number): boolean {
    return this.#waiting.heldBytes + length <= HELD_BYTES_MAX;
  }

  /**
   * Tells of an access whose bytes have been put; what has come of it is answered when that is known.
   * @param before bytes of it that earlier commands have put @param noticeTag the notification's, `tag` the command's
   */
  put(
    connection: Connection,
    region: WorkerRegion,
    at: number,
    length: number,
    before: number,
    noticeTag: number,
    tag: number,
  ): void {
    const session = connection.session as WorkerSession;
    const command = this.#waiting.expect(connection, session.number, OPCODE.PUT_NOTIFY, tag);
    this.#notify(command, session, region, at, length, before, noticeTag);
  }

  /** The same of an access that has copied bytes: `low` and `high`, or `copy`, are what it is answered with. */
  get(
    connection: Connection,
    region: WorkerRegion,
    at: number,
    length: number,
    before: number,
    noticeTag: number,
    tag: number,
    copied: { low: number; high: number; copy: Uint8Array<ArrayBuffer> | undefined },
  ): void {
    const session = connection.session as WorkerSession;
    const command = this.#waiting.expect(connection, session.number, OPCODE.GET_NOTIFY, tag);
    command.low = copied.low;
    command.high = copied.high;
    if (copied.copy !== undefined) this.#waiting.hold(command, copied.copy);
    this.#notify(command, session, region, at, length, before, noticeTag);
  }

  #notify(
    command: WaitingCommand,
    session: WorkerSession,
    region: WorkerRegion,
    at: number,
    length: number,
    before: number,
    tag: number,
  ): void {
    const table = this.#table;
    if (table === undefined) {
      this.#settle(command, NOTIFICATION_ACTION.NOTIFIED);
      return;
    }
    table.notify(region.key, session.number, at, length, this.#sourceOf(session), tag, command, before);
    this.#carryOut();
    this.#boards.of(region.key)?.settle(table, false);
  }

  #sourceOf({ owner }: WorkerSession): number {
    return this.#sources.numberOf(owner, this.#inUse);
  }

  /** Carries out a QUEUE_OPEN whose payload has come, on a connection that has room for the answer. */
  open(connection: Connection, handle: number, tag: number, payload: Uint8Array): void {
    const { status, value } = this.#open(connection.session as WorkerSession, handle, payload);
    const at = connection.answer(OPCODE.QUEUE_OPEN, tag, status, 0);
    connection.queue.headerWords[valueAt(at)] = value;
  }

  #open(
    session: WorkerSession,
    handle: number,
    payload: Uint8Array,
  ): { readonly status: number; readonly value: number } {
    const request = decodeQueue(payload);
    if (request === undefined) return { status: PROTOCOL, value: 0 };
    const { domain, number } = session;
    const at = domain.translate(handle, request.at, request.length, READ);
    if (at < 0) return { status: session.refusalStatus(handle, at), value: 0 };
    const region = domain.region as WorkerRegion;
    const table = this.#openTable();
    const { source, capacity } = request;
    const board = this.#boards.of(region.key);
    const claim = {
      session: number,
      id: request.number,
      handle,
      region: region.key,
      at,
      end: at + request.length,
      source: source === undefined ? ANY : this.#sources.numberOf(source, this.#inUse),
      tag: request.tag ?? ANY,
      kind: capacity === undefined ? ("count" as const) : ("list" as const),
      capacity: capacity ?? 0,
      board: request.onBoard ? board?.freePlace(number, handle) : undefined,
    };
    table.open(claim, undefined);
    const kind = table.actions.kinds[0] as number;
    table.actions.clear();
    if (kind !== NOTIFICATION_ACTION.OPENED) return { status: statusFor(kind, UNBOUND), value: 0 };
    this.#count(table);
    const queue = table.queueOf(number, request.number) as NotificationQueue;
    // Whoever is answered knows that the board has it.
    const place = claim.board === undefined ? undefined : board?.add(queue, table);
    if (place === undefined) board?.settle(table, false);
    return { status: OK, value: place === undefined ? 0 : place + 1 };
  }

  #openTable(): Table {
    this.#table ??= new NotificationTable();
    return this.#table;
  }

  /** The region's board lies in that memory, which is all zeros, from now on. @returns 0, or the status that says why not */
  shareBoard(region: WorkerRegion, order: ToWorker & { type: "board-share" }): number {
    try {
      return this.#boards.share(region, order, this.#openTable());
    } catch (error) {
      return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
    }
  }

  /** @returns 0, or the status that says why the lane is given to nobody */
  giveLane(region: string, order: ToWorker & { type: "board-lane" }): number {
    return this.#boards.giveLane(region, order);
  }

  leaveLane(region: string, lane: number): void {
    this.#boards.of(region)?.leaveLane(lane);
  }

  /** The region goes, and nothing refers to it any more. */
  unmapped({ key }: WorkerRegion): void {
    this.#boards.drop(key);
  }

  /** Carries out a QUEUE_CLOSE on a connection that has room for the answer: that one comes before all that it leads to. */
  close(connection: Connection, id: number, tag: number): void {
    const { number } = connection.session as WorkerSession;
    const closed = this.#table?.close(number, id) ?? false;
    const at = connection.answer(OPCODE.QUEUE_CLOSE, tag, OK, 0);
    connection.queue.headerWords[valueAt(at)] = closed ? 1 : 0;
    this.#carryOutAnywhere(true);
  }

  /** Carries out a NOTIFY_NEXT. */
  next(connection: Connection, id: number, entriesMax: number, waitMs: number, tag: number): void {
    const { number } = connection.session as WorkerSession;
    const command = this.#waiting.expect(connection, number, OPCODE.NOTIFY_NEXT, tag);
    const table = this.#table;
    if (table === undefined) {
      this.#settle(command, NOTIFICATION_ACTION.UNKNOWN);
      return;
    }
    table.next(number, id, entriesMax, waitMs, command, this.#clock.nowMs());
    this.#carryOut();
    const queue = table.queueOf(number, id);
    if (queue?.claim.board !== undefined) this.#wake(queue.claim.region);
  }

  /** Something may lie on the region's board for those who wait at its queues. */
  touched({ key }: WorkerRegion): void {
    this.#wake(key);
  }

  /** First the board says who waits, then its rings are looked at: who puts something there in between sees it. */
  #wake(region: string): void {
    const board = this.#boards.of(region);
    if (board === undefined) return;
    const table = this.#openTable();
    board.settle(table, false);
    board.wake(table);
    this.#carryOut();
    board.sayAsleep();
  }

  unbound({ session, handle, revoked }: ToWorker & { type: "unbind" }): void {
    this.#table?.closeHandle(session, handle);
    this.#carryOutAnywhere(!revoked, revoked ? REVOKED : UNBOUND);
    this.#wakeAll();
  }

  endWaits(session: number): void {
    this.#table?.endWaits(session);
    this.#carryOutAnywhere();
  }

  sessionEnded(session: number): void {
    this.#table?.endSession(session);
    this.#carryOutAnywhere();
    this.#wakeAll();
  }

  /** Whoever has gone may have told of something, and woken nobody. */
  #wakeAll(): void {
    for (const region of this.#boards.regions) this.#wake(region);
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    const table = this.#table;
    if (table === undefined || nowMs < table.dueMs) return 0;
    table.expire(nowMs);
    const work = table.actions.count;
    this.#carryOutAnywhere();
    return work;
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    const dueMs = this.#table?.dueMs ?? Number.POSITIVE_INFINITY;
    if (dueMs === Number.POSITIVE_INFINITY) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, Math.ceil(dueMs - this.#clock.nowMs())));
  }

  /** The same of an event that may concern queues of any region. */
  #carryOutAnywhere(letGo = false, closed = UNBOUND): void {
    const table = this.#table;
    if (table === undefined) return;
    const isChanged = table.actions.count > 0 || table.queueCount !== this.#counters[COUNTER.queues];
    this.#carryOut(closed);
    if (isChanged) this.#boards.settle(table, letGo);
  }

  /** @param closed what those are answered with whose queue has gone */
  #carryOut(closed = UNBOUND): void {
    const table = this.#table;
    if (table === undefined) return;
    const { actions } = table;
    for (let i = 0; i < actions.count; i += 1) {
      const command = actions.waiters[i] as WaitingCommand;
      const kind = actions.kinds[i] as number;
      const count = actions.counts[i] as number;
      if (kind === NOTIFICATION_ACTION.ENTRIES) {
        const notices = this.#notices(actions.entries, actions.entriesAt[i] as number, count);
        this.#waiting.hold(command, notices);
      }
      this.#settle(command, kind, count, closed);
    }
    actions.clear();
    this.#count(table);
  }

  #count(table: Table): void {
    this.#counters[COUNTER.queues] = table.queueCount;
    this.#counters[COUNTER.notificationsWaiting] = table.waitingCount;
  }

  #settle(command: WaitingCommand, kind: number, count = 0, closed = UNBOUND): void {
    if (kind !== NOTIFICATION_ACTION.NOTIFIED) {
      this.#waiting.settle(command, statusFor(kind, closed), count, count / TWO_32);
      return;
    }
    countOne(this.#counters, COUNTER.notified);
    // A get has its answer since it came.
    this.#waiting.settle(command, OK, command.low, command.high);
  }

  #notices(words: Int32Array, from: number, count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count * NOTICE_BYTES);
    for (let place = 0; place < count; place += 1) {
      const entry = from + place * ENTRY_WORDS;
      const notice = {
        at: entryAt(words, entry),
        length: entryLength(words, entry),
        before: entryBefore(words, entry),
        sequence: entrySequence(words, entry),
        stamp: entryStamp(words, entry),
        tag: entryTag(words, entry),
      };
      encodeNotice(bytes, place, notice, this.#sources.keyOf(entrySource(words, entry)));
    }
    return bytes;
  }
}

function statusFor(kind: number, closed: number): number {
  switch (kind) {
    case NOTIFICATION_ACTION.ENTRIES:
    case NOTIFICATION_ACTION.COUNT:
    case NOTIFICATION_ACTION.TIMED_OUT:
      return OK;
    case NOTIFICATION_ACTION.CLOSED:
      return closed;
    case NOTIFICATION_ACTION.UNKNOWN:
      return UNBOUND;
    case NOTIFICATION_ACTION.CANCELLED:
      return ABORTED;
    case NOTIFICATION_ACTION.REPEATED:
      return INVALID_ARGUMENT;
    default:
      return TOO_MANY;
  }
}
