/**
 * Requests to make things durable, from the threads of a target to its drive's sync thread, and what became of them.
 * One area of shared memory; one queue in it for each producer. Counts only grow and wrap at 2^32; entry i lies at
 * i % capacity. Entries are filled plainly and published by storing the count behind them; whoever reads an entry
 * gives it back by storing its own count. A producer never has more requests under way than the capacity, so
 * completions always have room.
 *
 *     area (32-bit words)
 *        0  doorbell            producers add 1 after publishing; the sync thread sleeps on it | 15 zero
 *       16  queue 0, queue 1 ...
 *     queue
 *        0  submitted           the producer writes    | 15 zero
 *       16  taken               the sync thread writes | 15 zero
 *       32  completed           the sync thread writes | 15 zero
 *       48  collected           the producer writes    | 15 zero
 *       64  submissions         capacity × (ticket u32, descriptor i32; -1: names)
 *      576  completions         capacity × (ticket u32, errno)
 */
export const SYNC_QUEUE_CAPACITY = 256;
/** Stands for all names and sizes of the drive in a submission's descriptor. */
export const SYNC_NAMES = -1;

const LINE = 16;
const DOORBELL = 0;
const SUBMITTED = 0;
const TAKEN = LINE;
const COMPLETED = 2 * LINE;
const COLLECTED = 3 * LINE;
const SUBMISSIONS = 4 * LINE;
const COMPLETIONS = SUBMISSIONS + 2 * SYNC_QUEUE_CAPACITY;
const QUEUE_WORDS = COMPLETIONS + 2 * SYNC_QUEUE_CAPACITY;

/** Bytes of an area with a queue for each of `producerCount` threads. */
export function syncAreaBytes(producerCount: number): number {
  return (LINE + producerCount * QUEUE_WORDS) * 4;
}

/** Where the queue of producer `index` begins, as an index of words. */
export function syncQueueAt(index: number): number {
  return LINE + index * QUEUE_WORDS;
}

/** Queues in an area of that many bytes. */
export function syncQueueCount(areaBytes: number): number {
  return (areaBytes / 4 - LINE) / QUEUE_WORDS;
}

/** What the doorbell shows now; to be read before looking into the queues (see awaitDoorbell). */
export function doorbell(words: Int32Array): number {
  return Atomics.load(words, DOORBELL);
}

/** Ends the sleep of the sync thread; after each submission. */
export function ringDoorbell(words: Int32Array): void {
  Atomics.add(words, DOORBELL, 1);
  Atomics.notify(words, DOORBELL);
}

/** Sleeps until the doorbell rings, unless it has since it showed `seen`. Shared memory only; blocks the thread. */
export function awaitDoorbell(words: Int32Array, seen: number, timeoutMs: number): void {
  Atomics.wait(words, DOORBELL, seen, timeoutMs);
}

/** True while the producer may submit another request. */
export function canSubmit(words: Int32Array, at: number): boolean {
  const submitted = words[at + SUBMITTED] as number;
  const collected = words[at + COLLECTED] as number;
  return ((submitted - collected) | 0) < SYNC_QUEUE_CAPACITY;
}

/** First half of a submission, where canSubmit() said so: nobody else sees it yet. */
export function fillSubmission(words: Int32Array, at: number, ticket: number, descriptor: number): void {
  const entry = entryAt(at + SUBMISSIONS, words[at + SUBMITTED] as number);
  words[entry] = ticket;
  words[entry + 1] = descriptor;
}

/** Second half of a submission; ring the doorbell after it. */
export function publishSubmission(words: Int32Array, at: number): void {
  Atomics.store(words, at + SUBMITTED, ((words[at + SUBMITTED] as number) + 1) | 0);
}

/** The oldest submission that the sync thread has not taken. @returns where it lies, -1 when there is none */
export function nextSubmission(words: Int32Array, at: number): number {
  const taken = words[at + TAKEN] as number;
  return Atomics.load(words, at + SUBMITTED) === taken ? -1 : entryAt(at + SUBMISSIONS, taken);
}

/** Takes the oldest submission: its entry may be written again. */
export function releaseSubmission(words: Int32Array, at: number): void {
  Atomics.store(words, at + TAKEN, ((words[at + TAKEN] as number) + 1) | 0);
}

/** First half of a completion. */
export function fillCompletion(words: Int32Array, at: number, ticket: number, errno: number): void {
  const entry = entryAt(at + COMPLETIONS, words[at + COMPLETED] as number);
  words[entry] = ticket;
  words[entry + 1] = errno;
}

/** Second half of a completion; wake the producer after it. */
export function publishCompletion(words: Int32Array, at: number): void {
  Atomics.store(words, at + COMPLETED, ((words[at + COMPLETED] as number) + 1) | 0);
}

/** The oldest completion that the producer has not collected. @returns where it lies, -1 when there is none */
export function nextCompletion(words: Int32Array, at: number): number {
  const collected = words[at + COLLECTED] as number;
  return Atomics.load(words, at + COMPLETED) === collected ? -1 : entryAt(at + COMPLETIONS, collected);
}

/** Collects the oldest completion: its entry, and room for one more request, are free again. */
export function releaseCompletion(words: Int32Array, at: number): void {
  Atomics.store(words, at + COLLECTED, ((words[at + COLLECTED] as number) + 1) | 0);
}

/** The ticket of the submission or completion at `entry`. */
export function entryTicket(words: Int32Array, entry: number): number {
  return (words[entry] as number) >>> 0;
}

/** The descriptor to sync, or SYNC_NAMES, of the submission at `entry`. */
export function submissionDescriptor(words: Int32Array, entry: number): number {
  return words[entry + 1] as number;
}

/** 0, or the errno of the failure, of the completion at `entry`. */
export function completionErrno(words: Int32Array, entry: number): number {
  return words[entry + 1] as number;
}

function entryAt(entries: number, count: number): number {
  return entries + 2 * (count & (SYNC_QUEUE_CAPACITY - 1));
}
