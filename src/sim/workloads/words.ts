import type { CallOptions, DidafsWindow } from "../../client/api.ts";
import type { WordInput, WordOutput } from "../checkers/words.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { WordFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";

/** What a client does to the words of a file. */
export class WordWork {
  readonly #file: WordFile;
  readonly #held: HeldWindow;
  readonly #client: string;
  readonly #random: SimRandom;
  readonly #limits: CallOptions;
  /** By word: what was seen last, so that a compare-and-swap has a chance. */
  readonly #seen = new Map<number, number>();

  constructor(file: WordFile, held: HeldWindow, client: ClientProcess, random: SimRandom) {
    this.#file = file;
    this.#limits = { timeoutMs: client.timeoutMs };
    this.#held = held;
    this.#client = client.name;
    this.#random = random;
  }

  /** One access, and now and then a flush behind it. @returns whether all was done */
  async step(): Promise<boolean> {
    const flushes = this.#file.plan.drive === "file" && this.#random.chance(0.25);
    const done = await this.#access(this.#random.between(0, this.#file.places.length - 1), flushes);
    return flushes && done ? this.#flush() : done;
  }

  /** Every word answers, and a flush succeeds. */
  async prove(): Promise<boolean> {
    for (const word of this.#file.places.keys()) if (!(await this.#access(word))) return false;
    return this.#file.plan.drive === "memory" || (await this.#flush());
  }

  #access(word: number, changes = false): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      const input = this.#choose(word, id, changes);
      const at = this.#file.places[word] as number;
      const call = (): Promise<WordOutput> | WordOutput =>
        this.#random.chance(0.3) ? performSync(window, at, input) : perform(window, at, input, this.#limits);
      const output = await (this.#file.words[word] as WordFile["words"][number]).record(
        this.#client,
        input,
        call,
      );
      if (output !== null) this.#seen.set(word, output);
      return true;
    });
  }

  #flush(): Promise<boolean> {
    return this.#held.flush(async (window, id) => {
      const input: WordInput = { op: "flush", window: id };
      const operations = this.#file.words.map((word) => word.begin(this.#client, input));
      await window.flush("stable", this.#limits);
      for (const [at, operation] of operations.entries()) this.#file.words[at]?.end(operation, null);
    });
  }

  #choose(word: number, window: string, changes: boolean): WordInput {
    const value = this.#file.nextValue++;
    // Both halves of the word say which store it is of.
    const whole = value * (2 ** 32 + 1);
    switch (this.#random.between(changes ? 2 : 0, 4)) {
      case 0:
      case 1:
        return { op: "load" };
      case 2:
        return { op: "store", value: whole, window };
      case 3:
        return { op: "add", delta: 1 + (value % 97), window };
      default:
        return { op: "cas", expected: this.#seen.get(word) ?? 0, desired: whole, window };
    }
  }
}

async function perform(
  window: DidafsWindow,
  at: number,
  input: WordInput,
  limits: CallOptions,
): Promise<WordOutput> {
  switch (input.op) {
    case "store":
      await window.store(at, input.value, "i64", limits);
      return null;
    case "add":
      return window.fetchAdd(at, input.delta, "i64", limits);
    case "cas":
      return window.compareAndSwap(at, input.expected, input.desired, "i64", limits);
    default:
      return window.load(at, "i64", limits);
  }
}

function performSync(window: DidafsWindow, at: number, input: WordInput): WordOutput {
  switch (input.op) {
    case "store":
      window.storeSync(at, input.value);
      return null;
    case "add":
      return window.fetchAddSync(at, input.delta);
    case "cas":
      return window.compareAndSwapSync(at, input.expected, input.desired);
    default:
      return window.loadSync(at);
  }
}
