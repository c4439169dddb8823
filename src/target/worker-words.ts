import { WORD_ACTION } from "../epoch/word-actions.ts";
import type { WordClaim } from "../epoch/word-wait.ts";
import { WordWaits } from "../epoch/word-waits.ts";
import type { Clock } from "../ports/clock.ts";
import { isDidafsError, statusOf } from "../std/errors.ts";
import { loadSmall } from "../structs/halves.ts";
import { LOOK_AGAIN_MS, publishWaits } from "../structs/region-waits.ts";
import { OPCODE } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import type { ToWorker } from "./messages.ts";
import { ABORTED, INPUT_OUTPUT, OK, RANGE, REVOKED, TIMEOUT, TOO_MANY, UNBOUND } from "./statuses.ts";
import type { WaitingCommand, WaitingCommands } from "./waiting-commands.ts";
import type { RegionWatch, WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** Twelve days: nothing waits for ever. */
const WAIT_MS_MAX = 2 ** 30;

/** The word, and what it was. */
type Asked = Omit<WordClaim, "session" | "region">;

/** A region with waits, or with none any more that anybody knows of. */
interface Watched {
  readonly region: WorkerRegion;
  /** Of its header page. */
  readonly header: Int32Array;
  /** What the header says. */
  published: number;
  /** When its words are to be looked at though nobody has told of a write (region-waits.ts). */
  lookMs: number;
  /** A wait has begun since that time was set. */
  looksAgain: boolean;
}

/** Waits for words of the regions that are at home at this worker: commands, orders and writes become events of the core. */
export class WorkerWords implements RegionWatch {
  readonly #clock: Clock;
  readonly #waiting: WaitingCommands;
  readonly #waits: WordWaits<WaitingCommand>;
  readonly #watched = new Map<string, Watched>();
  #lookMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, waiting: WaitingCommands) {
    this.#clock = clock;
    this.#waiting = waiting;
    this.#waits = new WordWaits((key, at, bytes, into) => {
      const { region } = this.#watched.get(key) as Watched;
      loadSmall(region.memory, at, bytes, into, 0);
    });
  }

  /**
   * Carries out a WORD_WAIT on a connection that has room for the answer.
   * @returns OK, or the status that refuses it
   */
  wait(
    connection: Connection,
    session: WorkerSession,
    region: WorkerRegion,
    asked: Asked,
    waitMs: number,
    tag: number,
  ): number {
    const { key } = region;
    let watched: Watched;
    try {
      watched = this.#watch(region);
    } catch (error) {
      return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
    }
    const before = this.#waits.waitsAt(key);
    // First it is counted, then the word is looked at: who stores in between sees the count.
    publish(watched, before + 1);
    const command = this.#waiting.expect(connection, session.number, OPCODE.WORD_WAIT, tag);
    const claim = { ...asked, session: session.number, region: key };
    const nowMs = this.#clock.nowMs();
    this.#waits.wait(claim, Math.min(waitMs, WAIT_MS_MAX), command, nowMs);
    if (this.#waits.waitsAt(key) > before) this.#looksLater(watched, nowMs);
    this.#carryOut();
    this.#settle(watched);
    return OK;
  }

  /** @throws ERR_IO, ERR_TOO_MANY where its header cannot be mapped */
  #watch(region: WorkerRegion): Watched {
    const known = this.#watched.get(region.key);
    if (known !== undefined) return known;
    const header = region.headerWords();
    const lookMs = Number.POSITIVE_INFINITY;
    const watched = { region, header, published: 0, lookMs, looksAgain: false };
    this.#watched.set(region.key, watched);
    region.watch = this;
    return watched;
  }

  #looksLater(watched: Watched, nowMs: number): void {
    if (watched.lookMs !== Number.POSITIVE_INFINITY) watched.looksAgain = true;
    else {
      watched.lookMs = nowMs + LOOK_AGAIN_MS;
      this.#lookMs = Math.min(this.#lookMs, watched.lookMs);
    }
  }

  /** The header says how many wait; a region that nobody waits for is not watched. */
  #settle(watched: Watched): void {
    const { region } = watched;
    const count = this.#waits.waitsAt(region.key);
    publish(watched, count);
    if (count > 0) return;
    region.watch = undefined;
    this.#watched.delete(region.key);
  }

  #settleAll(): void {
    for (const watched of this.#watched.values()) this.#settle(watched);
  }

  /** Bytes of the region may have changed. */
  touched(region: WorkerRegion, at: number, length: number): void {
    const before = this.#waits.waitsAt(region.key);
    this.#waits.touched(region.key, at, length);
    if (this.#waits.actions.count === 0) return;
    this.#carryOut();
    if (this.#waits.waitsAt(region.key) < before) this.#settle(this.#watched.get(region.key) as Watched);
  }

  /** The session waits for that word through that window no more. */
  takeBack({ number }: WorkerSession, { handle, at, bytes }: Asked): void {
    this.#waits.takeBack(number, handle, at, bytes);
    this.#end(ABORTED);
  }

  unbound({ session, handle, revoked }: ToWorker & { type: "unbind" }): void {
    this.#waits.closeHandle(session, handle);
    this.#end(revoked ? REVOKED : UNBOUND);
  }

  /** The region ends at its `byteLength` now. */
  cut({ key, byteLength }: WorkerRegion): void {
    this.#waits.cut(key, byteLength);
    this.#end(RANGE);
  }

  endWaits(session: number): void {
    this.#waits.endWaits(session);
    this.#end(ABORTED);
  }

  /** @param cancelled what waits that were taken back are answered with */
  #end(cancelled: number): void {
    if (this.#waits.actions.count === 0) return;
    this.#carryOut(cancelled);
    this.#settleAll();
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    if (nowMs >= this.#lookMs) this.#lookAgain(nowMs);
    if (nowMs < this.#waits.dueMs) return 0;
    this.#waits.expire(nowMs);
    const work = this.#waits.actions.count;
    this.#carryOut();
    if (work > 0) this.#settleAll();
    return work;
  }

  #lookAgain(nowMs: number): void {
    this.#lookMs = Number.POSITIVE_INFINITY;
    for (const watched of this.#watched.values()) {
      if (nowMs >= watched.lookMs) {
        watched.lookMs = watched.looksAgain ? nowMs + LOOK_AGAIN_MS : Number.POSITIVE_INFINITY;
        watched.looksAgain = false;
        this.touched(watched.region, 0, Number.POSITIVE_INFINITY);
      }
      this.#lookMs = Math.min(this.#lookMs, watched.lookMs);
    }
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    const dueMs = Math.min(this.#waits.dueMs, this.#lookMs);
    if (dueMs === Number.POSITIVE_INFINITY) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, Math.ceil(dueMs - this.#clock.nowMs())));
  }

  #carryOut(cancelled = ABORTED): void {
    const { actions } = this.#waits;
    for (let i = 0; i < actions.count; i += 1) {
      const command = actions.waiters[i] as WaitingCommand;
      const status = statusFor(actions.kinds[i] as number, cancelled);
      this.#waiting.settle(command, status, actions.lows[i] as number, actions.highs[i]);
    }
    actions.clear();
  }
}

function publish(watched: Watched, count: number): void {
  if (watched.published === count) return;
  watched.published = count;
  publishWaits(watched.header, count);
}

function statusFor(kind: number, cancelled: number): number {
  switch (kind) {
    case WORD_ACTION.CHANGED:
      return OK;
    case WORD_ACTION.TIMED_OUT:
      return TIMEOUT;
    case WORD_ACTION.CANCELLED:
      return cancelled;
    default:
      return TOO_MANY;
  }
}
