import type { Clock, Idler } from "../ports/clock.ts";
import type { Turns } from "../ports/turns.ts";
import { DidafsError } from "../std/errors.ts";
import { abortError, type CallLimits } from "./call-limits.ts";
import type { DataConnection } from "./data-connection.ts";
import { PollLoop } from "./poll-loop.ts";
import type { Transfer } from "./transfer.ts";

/** Transfers that were begun together (flight.ts). */
export interface Landing {
  readonly links: readonly { readonly connection: DataConnection }[];
  readonly settled: boolean;
  onSettled: (() => void) | undefined;
  abandon(): boolean;
}

/** One promise, and what it waits for. */
class Waiter {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Gives up. @returns true when what was waited for certainly had no effect */
  readonly abandon: () => boolean;
  /** Where it stands among those that wait. */
  index = 0;
  /** Its time begins when it is looked at first, so that no clock is read for what is answered at once. */
  deadlineMs: number = Number.POSITIVE_INFINITY;
  onAbort: (() => void) | undefined;

  constructor(
    { timeoutMs, signal }: CallLimits,
    abandon: () => boolean,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.resolve = resolve;
    this.reject = reject;
    this.abandon = abandon;
  }
}

/**
 * Drives the promise forms of an event-loop thread: while transfers are outstanding it polls their connections in
 * each turn; when nothing comes for a while it asks to be woken (`arm`) and sleeps. Also holds their deadlines.
 */
export class Pump {
  readonly #turns: Turns;
  readonly #arm: (connection: DataConnection) => void;
  readonly #loop: PollLoop;
  readonly #waiters: Waiter[] = [];
  /** Those whose time has not begun. */
  readonly #fresh: Waiter[] = [];
  #active: DataConnection[] = [];
  #nextDeadlineMs = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  /** @param arm asks that `wake` be called once `connection` can be read (or written, while it is sending) */
  constructor(turns: Turns, clock: Clock, idler: Idler, arm: (connection: DataConnection) => void) {
    this.#turns = turns;
    this.#arm = arm;
    this.#loop = new PollLoop({
      turns,
      clock,
      idler,
      poll: (nowMs) => this.#poll(nowMs),
      isWaiting: () => this.#active.length > 0,
      sleep: (nowMs) => this.#sleep(nowMs),
    });
  }

  /**
   * Submits `transfer`; settles when it has.
   * @param failureOf what it failed with, if it did
   */
  run(
    connection: DataConnection,
    transfer: Transfer,
    limits: CallLimits,
    failureOf: (transfer: Transfer) => DidafsError | undefined,
  ): Promise<void> {
    const { signal } = limits;
    if (signal?.aborted === true) return Promise.reject(abortError(signal, "no"));
    return new Promise((resolve, reject) => {
      const abandon = (): boolean => {
        transfer.onSettled = undefined;
        return connection.abandon(transfer);
      };
      const waiter = this.#wait(limits, abandon, resolve, reject);
      transfer.onSettled = (settled) => {
        this.#leave(waiter);
        const failure = failureOf(settled);
        if (failure === undefined) waiter.resolve();
        else waiter.reject(failure);
      };
      connection.submit(transfer);
      this.#start(connection);
    });
  }

  /** Lets the event loop turn once: promises alone would keep it from that. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#turns.soon(resolve));
  }

  /** Resolves when all of `flight`, which has begun, has settled, whatever the outcome; the caller looks at that. */
  land(flight: Landing, limits: CallLimits): Promise<void> {
    if (flight.settled) return Promise.resolve();
    const { signal } = limits;
    if (signal?.aborted === true)
      return Promise.reject(abortError(signal, flight.abandon() ? "no" : "unknown"));
    return new Promise((resolve, reject) => {
      const waiter = this.#wait(limits, () => flight.abandon(), resolve, reject);
      flight.onSettled = () => {
        this.#leave(waiter);
        waiter.resolve();
      };
      for (const { connection } of flight.links) {
        connection.poll();
        this.#start(connection);
      }
    });
  }

  #wait(
    limits: CallLimits,
    abandon: () => boolean,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): Waiter {
    const waiter = new Waiter(limits, abandon, resolve, reject);
    waiter.index = this.#waiters.length;
    this.#waiters.push(waiter);
    this.#fresh.push(waiter);
    const { signal } = limits;
    if (signal !== undefined) {
      waiter.onAbort = () => this.#fail(waiter, (applied) => abortError(signal, applied));
      signal.addEventListener("abort", waiter.onAbort, { once: true });
    }
    return waiter;
  }

  #leave(waiter: Waiter): void {
    // The last one takes its place.
    const last = this.#waiters.pop() as Waiter;
    if (last !== waiter) {
      this.#waiters[waiter.index] = last;
      last.index = waiter.index;
    }
    if (waiter.onAbort !== undefined) waiter.signal?.removeEventListener("abort", waiter.onAbort);
  }

  #fail(waiter: Waiter, error: (applied: "no" | "unknown") => DidafsError): void {
    this.#leave(waiter);
    waiter.reject(error(waiter.abandon() ? "no" : "unknown"));
  }

  /** A connection that was armed can go on. */
  wake(connection: DataConnection): void {
    this.#start(connection);
  }

  #start(connection: DataConnection): void {
    if (!this.#active.includes(connection)) this.#active.push(connection);
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#loop.start();
  }

  #poll(nowMs: number): number {
    if (this.#fresh.length > 0) this.#beginTimes(nowMs);
    let moved = 0;
    let active = 0;
    for (const connection of this.#active) {
      moved += connection.poll();
      if (connection.outstanding > 0) active += 1;
    }
    if (active < this.#active.length)
      this.#active = this.#active.filter(({ outstanding }) => outstanding > 0);
    if (nowMs >= this.#nextDeadlineMs) this.#expire(nowMs);
    return moved;
  }

  #beginTimes(nowMs: number): void {
    for (const waiter of this.#fresh) {
      waiter.deadlineMs = nowMs + waiter.timeoutMs;
      if (waiter.deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = waiter.deadlineMs;
    }
    this.#fresh.length = 0;
  }

  #sleep(nowMs: number): void {
    for (const connection of this.#active) this.#arm(connection);
    // What was given up is still outstanding, but has no deadline and nobody who waits; other things may take for ever.
    if (this.#waiters.length === 0 || this.#nextDeadlineMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#turns.after(Math.max(0, this.#nextDeadlineMs - nowMs) + 1, () => {
      this.#cancelTimer = undefined;
      this.#loop.look();
    });
  }

  #expire(nowMs: number): void {
    this.#nextDeadlineMs = Number.POSITIVE_INFINITY;
    for (const waiter of [...this.#waiters]) {
      if (waiter.deadlineMs > nowMs) {
        this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, waiter.deadlineMs);
        continue;
      }
      this.#fail(
        waiter,
        (applied) => new DidafsError("ERR_TIMEOUT", "the target did not answer in time", { applied }),
      );
    }
  }
}
