import type { Book, NoticeFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";
import { type Notifier, type NotifyingAccesses, numbersOf, type Sent, settle } from "./notifications.ts";
import { ToldQueue, type ToldQueueOptions } from "./told-queue.ts";

/** How soon somebody who waits must be told once all is well: a wait that nobody ends takes six times as long. */
const WOKEN_MS = 10_000;
/** By then who waits is waiting at the homes. */
const SETTLED_MS = 100;
/** Of waits and accesses beside that. */
const LONG = { timeoutMs: 60_000 };
/** Of the queues that something is proven with. */
const PROVEN_CAPACITY = 2;
/** More than clients send each other in the end. */
const ROOMY = 1000;
/** More than fit, by far. */
const BURST = 5 * PROVEN_CAPACITY;

/** Shows that a client is told of bytes again, once all is well. */
export class ToldProof {
  readonly #file: NoticeFile;
  readonly #held: HeldWindow;
  readonly #notifier: Notifier;
  readonly #book: Book;
  readonly #accesses: NotifyingAccesses;

  constructor(
    file: NoticeFile,
    held: HeldWindow,
    notifier: Notifier,
    book: Book,
    accesses: NotifyingAccesses,
  ) {
    this.#file = file;
    this.#held = held;
    this.#notifier = notifier;
    this.#book = book;
    this.#accesses = accesses;
  }

  /** Who waits is told; who sends more than there is room for is let in as there is; and nobody waits for a queue that has gone. */
  async prove(): Promise<boolean> {
    const own = { capacity: PROVEN_CAPACITY, source: this.#notifier.origin };
    return (
      (await this.#proveBy(own, (queue) => this.#isTold(queue))) &&
      // One without a source may be on a board.
      (await this.#proveBy({ capacity: ROOMY }, (queue) => this.#isTold(queue))) &&
      (await this.#proveBy(own, (queue) => this.#hasRoom(queue))) &&
      (await this.#proveBy(own, (queue) => this.#letsGo(queue))) &&
      (await this.#proveBy({ capacity: PROVEN_CAPACITY }, (queue) => this.#takesTurns(queue))) &&
      (await this.#counts())
    );
  }

  #proveBy(options: ToldQueueOptions, prove: (queue: ToldQueue) => Promise<boolean>): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      const of = { file: this.#file, book: this.#book, client: this.#notifier.process };
      const queue = await ToldQueue.open(window, id, options, of);
      try {
        return await prove(queue);
      } finally {
        await queue.close();
      }
    });
  }

  async #isTold(queue: ToldQueue): Promise<boolean> {
    const { process } = this.#notifier;
    for (const slot of this.#accesses.perRegion) {
      const waiting = queue.next(LONG);
      waiting.catch(() => {});
      await process.sleep(SETTLED_MS);
      await this.#accesses.put(queue.window, queue.id, slot, LONG).done;
      const isLate = Symbol("late");
      const first = await Promise.race([waiting, process.sleep(WOKEN_MS).then(() => isLate)]);
      if (first === isLate) {
        this.#book.fail(
          "wake-ups",
          `${process.name} sleeps on though bytes of ${this.#file.path} at ${slot.at} were put and told`,
        );
      }
      if (first !== true) return false;
    }
    return true;
  }

  /** More than there is room for are let in as they are told. */
  async #takesTurns(queue: ToldQueue): Promise<boolean> {
    const sent = this.#many(queue, BURST);
    const told = await queue.drain(numbersOf(sent), WOKEN_MS);
    if (told) await settle(sent);
    return told;
  }

  /** Then all places are free again: so many are let in though nobody takes them. */
  async #hasRoom(queue: ToldQueue): Promise<boolean> {
    if (!(await this.#takesTurns(queue))) return false;
    const sent = this.#many(queue, PROVEN_CAPACITY);
    await settle(sent);
    return queue.drain(numbersOf(sent), WOKEN_MS);
  }

  async #letsGo(queue: ToldQueue): Promise<boolean> {
    const sent = this.#many(queue, BURST);
    await this.#notifier.process.sleep(SETTLED_MS);
    await queue.close();
    await settle(sent);
    return true;
  }

  /** Who only counts has room for all, and counts each once. */
  #counts(): Promise<boolean> {
    const { process, origin } = this.#notifier;
    return this.#held.use(async (window, id) => {
      await using counter = await window.countNotifications({ source: origin, timeoutMs: process.timeoutMs });
      const sent = this.#many({ window, id }, BURST);
      let left = sent.length;
      // Meanwhile: so there are several answers.
      while (left > 0) left -= await counter.next(LONG);
      await settle(sent);
      if (left < 0) this.#book.fail("notifications", `${process.name} counts ${-left} more than it has sent`);
      return true;
    });
  }

  /** So many to each region. */
  #many({ window, id }: Pick<ToldQueue, "window" | "id">, count: number): Sent[] {
    return this.#accesses.perRegion.flatMap((slot) =>
      Array.from({ length: count }, () => this.#accesses.put(window, id, slot, LONG)),
    );
  }
}
