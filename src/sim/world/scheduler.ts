import type { SimClock } from "../clock.ts";
import type { SimProcess } from "./process.ts";
import type { SimThread } from "./thread.ts";

/** What is to happen at some time, of the simulation itself. */
interface Event {
  readonly atMs: number;
  readonly happen: () => void;
}

export interface SchedulerParts {
  readonly clock: SimClock;
  /** One turn of the event loop: promises that were settled in a step go on before the next step. */
  readonly turn: () => Promise<void>;
  readonly stepped: (process: SimProcess, thread: SimThread, work: number, late: boolean) => void;
}

/**
 * Runs the threads of all processes in one: always the one whose next step is first, and time goes on to that. Each
 * thread has its own pace, so that they run beside each other in ever new ways.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #processes = new Set<SimProcess>();
  #events: Event[] = [];
  /** Steps so far. */
  steps = 0;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  add(process: SimProcess): void {
    this.#processes.add(process);
  }

  /** @param atMs in the past: as soon as possible */
  at(atMs: number, happen: () => void): void {
    this.#events.push({ atMs, happen });
    this.#events.sort((a, b) => a.atMs - b.atMs);
  }

  /** Forgets what was to happen. */
  clear(): void {
    this.#events = [];
  }

  /** Goes on until `done`, or to `limitMs`. @returns whether it is done */
  async until(done: () => boolean, limitMs: number): Promise<boolean> {
    const { clock } = this.#parts;
    while (!done()) {
      const next = this.#next();
      const [event] = this.#events;
      const eventMs = event?.atMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(next?.atMs ?? Number.POSITIVE_INFINITY, eventMs);
      if (nextMs > limitMs) {
        clock.advanceTo(limitMs);
        return done();
      }
      clock.advanceTo(nextMs);
      if (eventMs <= nextMs) {
        this.#events.shift();
        event?.happen();
      } else if (next !== undefined) this.#step(next.process, next.thread);
      await this.#parts.turn();
    }
    return true;
  }

  /**
   * Lets those threads go on that never wait for promises, workers and syncs, to `untilMs` or until `done`: for a thread
   * that blocks in the middle of its step.
   */
  meanwhile(untilMs: number, done: () => boolean): void {
    const { clock } = this.#parts;
    while (!done()) {
      const next = this.#next((thread) => thread.body.isPlain === true);
      if (next === undefined || next.atMs > untilMs) break;
      clock.advanceTo(next.atMs);
      this.#step(next.process, next.thread);
    }
    if (!done()) clock.advanceTo(untilMs);
  }

  #next(
    wanted: (thread: SimThread) => boolean = () => true,
  ): { process: SimProcess; thread: SimThread; atMs: number } | undefined {
    let first: { process: SimProcess; thread: SimThread; atMs: number } | undefined;
    for (const process of this.#processes) {
      if (process.ended) {
        this.#processes.delete(process);
        continue;
      }
      for (const thread of process.threads) {
        if (!wanted(thread)) continue;
        const atMs = Math.max(thread.nextMs(), process.pausedUntilMs);
        if (atMs < (first?.atMs ?? Number.POSITIVE_INFINITY)) first = { process, thread, atMs };
      }
    }
    return first;
  }

  #step(process: SimProcess, thread: SimThread): void {
    this.steps += 1;
    const { work, late } = thread.step(this.#parts.clock.nowMs(), process.slowness);
    this.#parts.stepped(process, thread, work, late);
  }
}
