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
import { COUNTER } from "./counters.ts";

/** One producer's queue in the area that it shares with the sync thread. */
export interface SyncChannel {
  readonly words: Int32Array;
  /** See syncQueueAt. */
  readonly at: number;
}

interface Request {
  readonly descriptor: number;
  readonly begins: () => void;
  readonly done: (errno: number) => void;
}

/** The syncs that one worker has asked the drive's sync thread for. */
export class WorkerSyncs {
  readonly #channel: SyncChannel;
  readonly #counters: Float64Array;
  readonly #running = new Map<number, (errno: number) => void>();
  /** What did not fit the queue. */
  readonly #held: Request[] = [];
  #nextTicket = 0;

  constructor(channel: SyncChannel, counters: Float64Array) {
    this.#channel = channel;
    this.#counters = counters;
  }

  /**
   * Makes an object durable; it stays open until then.
   * @param begins is called when the sync covers what was written so far, and nothing later
   * @param done is called by `doWork`, with the errno of the failure or 0
   */
  request(descriptor: number, begins: () => void, done: (errno: number) => void): void {
    const request = { descriptor, begins, done };
    if (canSubmit(this.#channel.words, this.#channel.at)) this.#submit(request);
    else this.#held.push(request);
  }

  /** @returns work done */
  doWork(): number {
    if (this.#running.size === 0) return 0;
    let work = 0;
    const { words, at } = this.#channel;
    for (let entry = nextCompletion(words, at); entry >= 0; entry = nextCompletion(words, at)) {
      const ticket = entryTicket(words, entry);
      const errno = completionErrno(words, entry);
      releaseCompletion(words, at);
      this.#completed(ticket, errno);
      work += 1;
    }
    while (this.#held.length > 0 && canSubmit(words, at)) {
      this.#submit(this.#held.shift() as Request);
      work += 1;
    }
    return work;
  }

  #submit({ descriptor, begins, done }: Request): void {
    const { words, at } = this.#channel;
    const ticket = this.#nextTicket;
    this.#nextTicket = (this.#nextTicket + 1) >>> 0;
    this.#running.set(ticket, done);
    begins();
    fillSubmission(words, at, ticket, descriptor);
    publishSubmission(words, at);
    ringDoorbell(words);
  }

  #completed(ticket: number, errno: number): void {
    const done = this.#running.get(ticket) as (errno: number) => void;
    this.#running.delete(ticket);
    this.#counters[COUNTER.syncs] = (this.#counters[COUNTER.syncs] as number) + 1;
    if (errno !== 0)
      this.#counters[COUNTER.syncFailures] = (this.#counters[COUNTER.syncFailures] as number) + 1;
    done(errno);
  }
}
