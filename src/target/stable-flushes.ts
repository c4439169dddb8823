import {
  canSubmit,
  completionErrno,
  entryTicket,
  fillSubmission,
  nextCompletion,
  publishSubmission,
  releaseCompletion,
  ringDoorbell,
} from "../structs/sync-queue.ts";
import { OPCODE } from "../wire/header.ts";
import { COUNTER } from "./counters.ts";
import { INPUT_OUTPUT, OK } from "./statuses.ts";
import type { Flusher, Waiter, WorkerRegion } from "./worker-region.ts";

/** One producer's queue in the area that it shares with the sync thread. */
export interface SyncChannel {
  readonly words: Int32Array;
  /** See syncQueueAt. */
  readonly at: number;
}

/** What StableFlushes tells the worker. */
export interface FlushEvents {
  /** The connection in that slot has an answer to send, and may read again. */
  activate(slot: number): void;
  regionFailed(region: WorkerRegion, errno: number): void;
}

/**
 * Answers stable flushes once a sync that began after them is done. One sync of a region runs at a time; flushes that
 * come meanwhile share the next one. A sync that failed is never tried again: the kernel may have dropped the dirty
 * pages, so a second one could succeed without the bytes being there.
 */
export class StableFlushes {
  readonly #channel: SyncChannel;
  readonly #counters: Float64Array;
  readonly #events: FlushEvents;
  /** Regions whose sync runs, by ticket. */
  readonly #running = new Map<number, WorkerRegion>();
  /** Regions whose sync did not fit the queue. */
  readonly #held: WorkerRegion[] = [];
  /** Answers whose connection has no room for them at this moment. */
  #late: { waiter: Waiter; status: number }[] = [];
  #nextTicket = 0;

  constructor(channel: SyncChannel, counters: Float64Array, events: FlushEvents) {
    this.#channel = channel;
    this.#counters = counters;
    this.#events = events;
  }

  /** Takes on a flush that everything it covers has been applied for. */
  request(region: WorkerRegion, flusher: Flusher, tag: number): void {
    flusher.pendingFlushes += 1;
    region.gathering.push({ flusher, tag });
    if (!region.syncing) this.#start(region);
  }

  /** @returns work done */
  doWork(): number {
    let work = 0;
    const { words, at } = this.#channel;
    if (this.#late.length > 0) work += this.#answerLate();
    if (this.#running.size === 0) return work;
    for (let entry = nextCompletion(words, at); entry >= 0; entry = nextCompletion(words, at)) {
      const ticket = entryTicket(words, entry);
      const errno = completionErrno(words, entry);
      releaseCompletion(words, at);
      this.#completed(ticket, errno);
      work += 1;
    }
    while (this.#held.length > 0 && canSubmit(words, at)) {
      this.#submit(this.#held.shift() as WorkerRegion);
      work += 1;
    }
    return work;
  }

  #start(region: WorkerRegion): void {
    region.syncing = true;
    if (canSubmit(this.#channel.words, this.#channel.at)) this.#submit(region);
    else this.#held.push(region);
  }

  #submit(region: WorkerRegion): void {
    const { words, at } = this.#channel;
    const ticket = this.#nextTicket;
    this.#nextTicket = (this.#nextTicket + 1) >>> 0;
    const waiting = region.gathering;
    region.gathering = region.waiting;
    region.waiting = waiting;
    this.#running.set(ticket, region);
    fillSubmission(words, at, ticket, region.descriptor);
    publishSubmission(words, at);
    ringDoorbell(words);
  }

  #completed(ticket: number, errno: number): void {
    const region = this.#running.get(ticket) as WorkerRegion;
    this.#running.delete(ticket);
    region.syncing = false;
    this.#counters[COUNTER.syncs] = (this.#counters[COUNTER.syncs] as number) + 1;
    if (errno !== 0) {
      region.failed = true;
      this.#answerAll(region.waiting, INPUT_OUTPUT);
      this.#answerAll(region.gathering, INPUT_OUTPUT);
      this.#events.regionFailed(region, errno);
      return;
    }
    this.#answerAll(region.waiting, OK);
    if (region.gathering.length > 0) this.#start(region);
  }

  #answerAll(waiters: Waiter[], status: number): void {
    for (const waiter of waiters) {
      if (!this.#answer(waiter, status)) this.#late.push({ waiter, status });
    }
    waiters.length = 0;
  }

  #answerLate(): number {
    const before = this.#late.length;
    this.#late = this.#late.filter(({ waiter, status }) => !this.#answer(waiter, status));
    return before - this.#late.length;
  }

  /** @returns false when the connection has no room yet */
  #answer({ flusher, tag }: Waiter, status: number): boolean {
    if (flusher.closed) return true;
    if (!flusher.hasRoom()) return false;
    flusher.pendingFlushes -= 1;
    flusher.answer(OPCODE.FLUSH, tag, status, 0);
    this.#events.activate(flusher.slot);
    return true;
  }
}
