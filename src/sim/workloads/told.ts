import type { DidafsWindow } from "../../client/api.ts";
import type { SimRandom } from "../random.ts";
import type { Book, NoticeFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";
import { type Notifier, NotifyingAccesses, numbersOf } from "./notifications.ts";
import { ToldProof } from "./told-proof.ts";
import { ToldQueue } from "./told-queue.ts";

/** What ends sooner in another way. */
const LONG = { timeoutMs: 60_000 };

/** What a client does that is told of bytes by a queue, which it opens anew as often as it is lost. */
export class ToldWork {
  readonly #file: NoticeFile;
  readonly #held: HeldWindow;
  readonly #notifier: Notifier;
  readonly #book: Book;
  readonly #random: SimRandom;
  readonly #accesses: NotifyingAccesses;
  readonly #proof: ToldProof;
  #open: ToldQueue | undefined;

  constructor(file: NoticeFile, held: HeldWindow, notifier: Notifier, book: Book, random: SimRandom) {
    this.#file = file;
    this.#held = held;
    this.#notifier = notifier;
    this.#book = book;
    this.#random = random;
    this.#accesses = new NotifyingAccesses(file, notifier, random);
    this.#proof = new ToldProof(file, held, notifier, book, this.#accesses);
  }

  /** Takes some of what comes. @returns whether there was something */
  step(): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      if (this.#open?.id !== id || this.#open.closed) this.#open = await this.#begin(window, id);
      const queue = this.#open;
      try {
        const found = await this.#take(queue);
        if (this.#random.chance(0.1)) await queue.close();
        return found;
      } catch (error) {
        // Whatever it was, another one is as good.
        await queue.close();
        throw error;
      }
    });
  }

  #begin(window: DidafsWindow, id: string): Promise<ToldQueue> {
    const capacity = this.#random.pick([1, 2, 4, 100]);
    const { sources, plan } = this.#file;
    // Where one has a source, nobody uses the region's board.
    const source = this.#random.chance(plan.sharing === "raw" ? 0.05 : 0.3)
      ? this.#random.pick([...sources])
      : undefined;
    const of = { file: this.#file, book: this.#book, client: this.#notifier.process };
    return ToldQueue.open(window, id, { capacity, source }, of);
  }

  #take(queue: ToldQueue): Promise<boolean> {
    const way = this.#random.pick(["next", "next", "give up", "try", "iterate", "drain"] as const);
    switch (way) {
      case "next":
        return queue.next({ timeoutMs: this.#random.magnitude(1, 2000) });
      case "give up":
        return this.#giveUp(queue);
      case "try":
        return this.#try(queue);
      case "iterate":
        return this.#iterate(queue);
      default:
        return this.#drain(queue);
    }
  }

  async #giveUp(queue: ToldQueue): Promise<boolean> {
    const gone = new AbortController();
    const waiting = queue.next({ ...LONG, signal: gone.signal });
    waiting.catch(() => {});
    await this.#notifier.process.sleep(this.#random.magnitude(0.1, 1000));
    gone.abort();
    return waiting;
  }

  async #try(queue: ToldQueue): Promise<boolean> {
    let found = false;
    for (let left = this.#random.between(1, 8); left > 0; left -= 1) {
      if (await queue.tryNext()) found = true;
      else await this.#notifier.process.sleep(this.#random.magnitude(0.1, 100));
    }
    return found;
  }

  /** What nobody ends would go on for ever. */
  async #iterate(queue: ToldQueue): Promise<boolean> {
    let goesOn = true;
    const { process } = this.#notifier;
    const ending = process.sleep(this.#random.magnitude(10, 3000)).then(async () => {
      if (goesOn) await queue.close();
    });
    ending.catch(() => {});
    try {
      return await queue.iterate(this.#random.between(1, 6));
    } finally {
      goesOn = false;
    }
  }

  /** Takes all that there is: what the client itself puts behind it is told last. */
  async #drain(queue: ToldQueue): Promise<boolean> {
    const limits = { timeoutMs: this.#notifier.process.timeoutMs };
    const { window, id } = queue;
    const sent = this.#accesses.perRegion.map((slot) => this.#accesses.put(window, id, slot, limits));
    return queue.drain(numbersOf(sent), this.#random.magnitude(10, 2000));
  }

  prove(): Promise<boolean> {
    return this.#proof.prove();
  }
}
