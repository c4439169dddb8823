import type { CallOptions, DidafsWindow } from "../../client/api.ts";
import type { WordOutput } from "../checkers/words.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, WaitFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";

/** How soon somebody who waits for a word must be woken once all is well: he looks by himself after three times as long. */
const WOKEN_MS = 10_000;
/** By then a worker looks at a word only when it is told that it was written. */
const SETTLED_MS = 100;
/** A wait beside that ends later. */
const LONG_MS = 60_000;

/** What a client does to words that clients hand round: each waits until a word's turn is its own, and makes it the next one's. */
export class WaitWork {
  readonly #file: WaitFile;
  readonly #held: HeldWindow;
  readonly #client: ClientProcess;
  /** Its number. */
  readonly #number: number;
  readonly #book: Book;
  readonly #random: SimRandom;
  readonly #limits: CallOptions;

  constructor(
    file: WaitFile,
    held: HeldWindow,
    client: { readonly process: ClientProcess; readonly number: number },
    book: Book,
    random: SimRandom,
  ) {
    this.#file = file;
    this.#held = held;
    this.#client = client.process;
    this.#number = client.number;
    this.#book = book;
    this.#random = random;
    this.#limits = { timeoutMs: this.#client.timeoutMs };
  }

  /** Waits for one word, and hands it on. @returns whether it was its turn */
  step(): Promise<boolean> {
    const { places, players } = this.#file;
    const word = this.#random.between(0, places.length - 1);
    const at = places[word] as number;
    return this.#held.use(async (window, id) => {
      const isTurn = (value: number): boolean => value % players === this.#number % players;
      const before = await this.#record(word, { op: "load" }, () =>
        window.waitUntil(at, isTurn, "i64", this.#limits),
      );
      const seen = before as number;
      const input = { op: "cas", expected: seen, desired: seen + 1, window: id } as const;
      await this.#record(word, input, () => window.compareAndSwap(at, seen, seen + 1, "i64", this.#limits));
      return true;
    });
  }

  /** Who waits for any of the words is woken by every kind of write. */
  async prove(): Promise<boolean> {
    for (const word of this.#file.places.keys()) if (!(await this.#prove(word))) return false;
    return true;
  }

  #prove(word: number): Promise<boolean> {
    const at = this.#file.places[word] as number;
    return this.#held.use(async (window, id) => {
      // Whatever was lost with the faults is found out here.
      const lock = await window.lock({ at, length: 8, mode: "exclusive" }, this.#limits);
      try {
        const before = await this.#record(word, { op: "load" }, () => window.load(at, "i64", this.#limits));
        await this.#wake(window, id, word, before as number);
      } finally {
        await lock.release();
      }
      return true;
    });
  }

  async #wake(window: DidafsWindow, id: string, word: number, before: number): Promise<void> {
    const at = this.#file.places[word] as number;
    const waiting = window.waitUntil(at, (value) => value !== before, "i64", { timeoutMs: LONG_MS });
    waiting.catch(() => {});
    await this.#client.sleep(SETTLED_MS);
    const delta = this.#file.players;
    await this.#record(word, { op: "add", delta, window: id }, () => this.#add(window, at, delta));
    const isLate = Symbol("late");
    const first = await Promise.race([waiting, this.#client.sleep(WOKEN_MS).then(() => isLate)]);
    if (first !== isLate) return;
    this.#book.fail(
      "wake-ups",
      `${this.#client.name} sleeps on though word ${word} of ${this.#file.path} was written`,
    );
  }

  #add(window: DidafsWindow, at: number, delta: number): Promise<number> | number {
    return this.#random.chance(0.5)
      ? window.fetchAddSync(at, delta)
      : window.fetchAdd(at, delta, "i64", this.#limits);
  }

  #record(
    word: number,
    input: Parameters<WaitFile["words"][number]["record"]>[1],
    call: () => Promise<WordOutput> | WordOutput,
  ): Promise<WordOutput> {
    const history = this.#file.words[word] as WaitFile["words"][number];
    return history.record(this.#client.name, input, call);
  }
}
