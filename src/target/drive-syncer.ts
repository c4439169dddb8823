import type { DriveSync } from "../ports/drive.ts";
import type { Waker } from "../ports/poller.ts";
import {
  entryTicket,
  fillCompletion,
  nextSubmission,
  publishCompletion,
  releaseSubmission,
  SYNC_NAMES,
  SYNC_QUEUE_CAPACITY,
  submissionDescriptor,
  syncQueueAt,
} from "../structs/sync-queue.ts";

/**
 * The sync thread's work: takes all requests that lie in the queues, makes each distinct object durable once, then
 * completes them. A request covers what was written before it was published, so requests of one batch can share.
 */
export class DriveSyncer {
  readonly #drive: DriveSync;
  readonly #words: Int32Array;
  readonly #wakers: readonly Waker[];
  readonly #batchCapacity: number;
  readonly #tickets: Uint32Array;
  readonly #descriptors: Int32Array;
  readonly #errnos: Int32Array;
  readonly #queues: Int32Array;

  /** @param wakers of the producers, in the order of their queues */
  constructor(drive: DriveSync, words: Int32Array, wakers: readonly Waker[]) {
    this.#drive = drive;
    this.#words = words;
    this.#wakers = wakers;
    this.#batchCapacity = wakers.length * SYNC_QUEUE_CAPACITY;
    this.#tickets = new Uint32Array(this.#batchCapacity);
    this.#descriptors = new Int32Array(this.#batchCapacity);
    this.#errnos = new Int32Array(this.#batchCapacity);
    this.#queues = new Int32Array(this.#batchCapacity);
  }

  /** Blocks in the drive's calls. @returns requests completed */
  doWork(): number {
    const count = this.begin();
    this.complete(count);
    return count;
  }

  /** First half of a step, which blocks. @returns requests taken, to be completed next */
  begin(): number {
    const count = this.#takeAll();
    this.#writeTogether(count);
    for (let i = 0; i < count; i += 1) this.#errnos[i] ||= this.#syncOnce(i);
    return count;
  }

  /** Second half: tells those who asked. */
  complete(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const at = syncQueueAt(this.#queues[i] as number);
      fillCompletion(this.#words, at, this.#tickets[i] as number, this.#errnos[i] as number);
      publishCompletion(this.#words, at);
    }
    // Each producer's requests lie together.
    for (let i = 0; i < count; i += 1) {
      if (i + 1 === count || this.#queues[i + 1] !== this.#queues[i])
        this.#wakers[this.#queues[i] as number]?.wake();
    }
  }

  /**
   * Has all objects of a batch written at the same time. When all of that is done before the first sync, one commit of
   * the file system's journal serves the whole batch: measured on ext4, 64 small files take 6 ms instead of 110.
   * Failures are kept: the kernel tells each of them once, so the sync after it could succeed.
   */
  #writeTogether(count: number): void {
    this.#errnos.fill(0, 0, count);
    if (count < 2) return;
    for (let i = 0; i < count; i += 1) {
      const descriptor = this.#descriptors[i] as number;
      if (descriptor !== SYNC_NAMES) this.#errnos[i] = this.#drive.startWriting(descriptor);
    }
    for (let i = 0; i < count; i += 1) {
      const descriptor = this.#descriptors[i] as number;
      if (descriptor !== SYNC_NAMES) this.#errnos[i] ||= this.#drive.awaitWriting(descriptor);
    }
  }

  #takeAll(): number {
    let count = 0;
    for (let queue = 0; queue < this.#wakers.length; queue += 1) {
      const at = syncQueueAt(queue);
      for (
        let entry = nextSubmission(this.#words, at);
        entry >= 0 && count < this.#batchCapacity;
        entry = nextSubmission(this.#words, at)
      ) {
        this.#tickets[count] = entryTicket(this.#words, entry);
        this.#descriptors[count] = submissionDescriptor(this.#words, entry);
        this.#queues[count] = queue;
        count += 1;
        releaseSubmission(this.#words, at);
      }
    }
    return count;
  }

  #syncOnce(index: number): number {
    const descriptor = this.#descriptors[index] as number;
    const first = this.#descriptors.indexOf(descriptor);
    if (first < index) return this.#errnos[first] as number;
    return descriptor === SYNC_NAMES ? this.#drive.syncNames() : this.#drive.sync(descriptor);
  }
}
