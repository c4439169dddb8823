import type { Clock, Idler } from "../ports/clock.ts";
import type { Turns } from "../ports/turns.ts";
import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "./access.ts";
import type { DataConnection } from "./data-connection.ts";
import { PollLoop } from "./poll-loop.ts";
import type { Transfer } from "./transfer.ts";

interface Waiting {
  readonly transfer: Transfer;
  readonly connection: DataConnection;
  readonly deadlineMs: number;
  readonly fail: (error: DidafsError) => void;
}

/**
 * Drives the promise forms of an event-loop thread: while transfers are outstanding it polls their connections, once
 * a turn; when nothing comes for a while it asks to be woken (`arm`) and sleeps. Also holds their deadlines.
 */
export class Pump {
  readonly #turns: Turns;
  readonly #clock: Clock;
  readonly #arm: (connection: DataConnection) => void;
  readonly #loop: PollLoop;
  readonly #waiting = new Set<Waiting>();
  #active: DataConnection[] = [];
  #nextDeadlineMs = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  /** @param arm asks that `wake` be called once `connection` can be read (or written, while it is sending) */
  constructor(turns: Turns, clock: Clock, idler: Idler, arm: (connection: DataConnection) => void) {
    this.#turns = turns;
    this.#clock = clock;
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

  /** Submits `transfer` and resolves when it has settled, whatever its status; the caller looks at that. */
  run(connection: DataConnection, transfer: Transfer, limits: CallLimits): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = limits;
      if (signal?.aborted === true) {
        reject(abortError(signal, "no"));
        return;
      }
      const finish = (): void => {
        this.#waiting.delete(waiting);
        if (signal !== undefined) signal.removeEventListener("abort", onAbort);
      };
      const fail = (error: DidafsError): void => {
        finish();
        reject(error);
      };
      const onAbort = (): void => {
        transfer.onSettled = undefined;
        fail(abortError(signal as AbortSignal, connection.abandon(transfer) ? "no" : "unknown"));
      };
      const waiting: Waiting = {
        transfer,
        connection,
        deadlineMs: this.#clock.nowMs() + limits.timeoutMs,
        fail,
      };
      transfer.onSettled = () => {
        finish();
        resolve();
      };
      if (signal !== undefined) signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(waiting);
      if (waiting.deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = waiting.deadlineMs;
      connection.submit(transfer);
      this.#start(connection);
    });
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
    let moved = 0;
    for (const connection of this.#active) moved += connection.poll();
    this.#active = this.#active.filter((connection) => connection.outstanding > 0);
    if (nowMs >= this.#nextDeadlineMs) this.#expire(nowMs);
    return moved;
  }

  #sleep(nowMs: number): void {
    for (const connection of this.#active) this.#arm(connection);
    // What was given up is still outstanding, but has no deadline and nobody who waits.
    if (this.#waiting.size === 0) return;
    this.#cancelTimer = this.#turns.after(Math.max(0, this.#nextDeadlineMs - nowMs) + 1, () => {
      this.#cancelTimer = undefined;
      this.#loop.look();
    });
  }

  #expire(nowMs: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.deadlineMs > nowMs) {
        next = Math.min(next, waiting.deadlineMs);
        continue;
      }
      waiting.transfer.onSettled = undefined;
      const applied = waiting.connection.abandon(waiting.transfer) ? "no" : "unknown";
      waiting.fail(new DidafsError("ERR_TIMEOUT", "the target did not answer in time", { applied }));
    }
    this.#nextDeadlineMs = next;
  }
}

function abortError(signal: AbortSignal, applied: "no" | "unknown"): DidafsError {
  return new DidafsError("ERR_ABORTED", "the call was aborted by its signal", {
    applied,
    cause: signal.reason,
  });
}
