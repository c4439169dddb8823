import type { Clock } from "../ports/clock.ts";
import { countLatency } from "../structs/latency.ts";
import { FLUSH_LATENCY } from "../structs/worker-counters.ts";
import { OPCODE } from "../wire/header.ts";
import { INPUT_OUTPUT, OK } from "./statuses.ts";
import type { Flusher, FlushWaiter, SyncWaiter, WorkerRegion } from "./worker-region.ts";
import type { WorkerSyncs } from "./worker-syncs.ts";

/** What StableFlushes tells the worker. */
export interface FlushEvents {
  /** The connection in that slot has an answer to send, and may read again. */
  activate(slot: number): void;
  regionFailed(region: WorkerRegion, errno: number): void;
  /** A sync of the region begins. @returns what of the epochs' writes it covers */
  syncBegins(region: WorkerRegion): number;
  /**
   * The sync that covers that is done.
   * @param settled is called, at once or later, when nothing that it covers will be put into the region again; with 0 or the
   *   errno that says why it may be
   */
  synced(region: WorkerRegion, covers: number, settled: (errno: number) => void): void;
}

/**
 * Answers stable flushes once a sync that began after them is done. One sync of a region runs at a time; flushes that
 * come meanwhile share the next one. A sync that failed is never tried again: the kernel may have dropped the dirty
 * pages, so a second one could succeed without the bytes being there.
 */
export class StableFlushes {
  readonly #syncs: WorkerSyncs;
  readonly #counters: Float64Array;
  readonly #clock: Clock;
  readonly #events: FlushEvents;
  /** Answers whose connection has no room for them at this moment. */
  #late: { waiter: FlushWaiter; status: number }[] = [];

  constructor(syncs: WorkerSyncs, counters: Float64Array, clock: Clock, events: FlushEvents) {
    this.#syncs = syncs;
    this.#counters = counters;
    this.#clock = clock;
    this.#events = events;
  }

  /** Takes on a flush that everything it covers has been applied for. */
  request(region: WorkerRegion, flusher: Flusher, tag: number): void {
    flusher.pendingFlushes += 1;
    this.#gather(region, { flusher, tag, sinceMs: this.#clock.nowMs() });
  }

  /** @param done is called with 0, or the errno of the failure, when what is in the region now is durable there */
  sync(region: WorkerRegion, done: (errno: number) => void): void {
    this.#gather(region, done);
  }

  #gather(region: WorkerRegion, waiter: SyncWaiter): void {
    region.gathering.push(waiter);
    if (!region.syncing) this.#start(region);
  }

  /** @returns work done */
  doWork(): number {
    return this.#late.length > 0 ? this.#answerLate() : 0;
  }

  #start(region: WorkerRegion): void {
    region.syncing = true;
    let waiting: SyncWaiter[] = [];
    let covers = 0;
    const begins = (): void => {
      waiting = region.gathering;
      region.gathering = [];
      covers = this.#events.syncBegins(region);
    };
    this.#syncs.request(region.descriptor, begins, (errno) => {
      if (errno !== 0) {
        region.syncing = false;
        region.failed = true;
        this.#answerAll(waiting, errno);
        this.#answerAll(region.gathering.splice(0), errno);
        this.#events.regionFailed(region, errno);
        return;
      }
      this.#events.synced(region, covers, (failure) => {
        this.#answerAll(waiting, failure);
        region.syncing = false;
        if (region.gathering.length > 0) this.#start(region);
      });
    });
  }

  #answerAll(waiters: readonly SyncWaiter[], errno: number): void {
    const nowMs = this.#clock.nowMs();
    const status = errno === 0 ? OK : INPUT_OUTPUT;
    for (const waiter of waiters) {
      if (typeof waiter === "function") {
        waiter(errno);
        continue;
      }
      countLatency(this.#counters, FLUSH_LATENCY, nowMs - waiter.sinceMs, 1);
      if (!this.#answer(waiter, status)) this.#late.push({ waiter, status });
    }
  }

  #answerLate(): number {
    const before = this.#late.length;
    this.#late = this.#late.filter(({ waiter, status }) => !this.#answer(waiter, status));
    return before - this.#late.length;
  }

  /** @returns false when the connection has no room yet */
  #answer({ flusher, tag }: FlushWaiter, status: number): boolean {
    if (flusher.closed) return true;
    if (!flusher.hasRoom()) return false;
    flusher.pendingFlushes -= 1;
    flusher.answer(OPCODE.FLUSH, tag, status, 0);
    this.#events.activate(flusher.slot);
    return true;
  }
}
