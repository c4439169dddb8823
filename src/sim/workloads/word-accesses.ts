import type { EpochAccess } from "../../client/api.ts";
import { isDidafsError } from "../../std/errors.ts";
import type { WordInput } from "../checkers/words.ts";
import type { EpochFile } from "./book.ts";

/** What an epoch does to the words of its file, by their numbers. */
export interface WordAccesses {
  load(word: number): Promise<number>;
  store(word: number, value: number): Promise<void>;
}

/** Of an epoch whose accesses take effect together: what it did with each word alone says nothing. */
export function buffered({ places }: EpochFile, access: EpochAccess): WordAccesses {
  return {
    load: (word) => access.load(places[word] as number),
    store: (word, value) => access.store(places[word] as number, value),
  };
}

/** Of an epoch whose accesses take effect one by one: each is put down in the history of its word. */
export class RecordedAccesses implements WordAccesses {
  readonly #file: EpochFile;
  readonly #access: EpochAccess;
  readonly #client: string;
  readonly #window: string;
  readonly #inTurn: boolean;
  /** The access before has ended, as far as it was put down. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: EpochFile, access: EpochAccess, client: string, window: string) {
    this.#file = file;
    this.#access = access;
    this.#client = client;
    this.#window = window;
    this.#inTurn = (file.plan.judgedAs ?? file.plan.consistency) === "sequential";
  }

  async load(word: number): Promise<number> {
    const value = await this.#record(word, { op: "load" }, (at) => this.#access.load(at));
    return value as number;
  }

  async store(word: number, value: number): Promise<void> {
    const { patienceMs: timeoutMs } = this.#file.plan;
    try {
      await this.#record(word, { op: "store", value, window: this.#window }, async (at) => {
        await this.#access.store(at, value, "i64", { timeoutMs });
        return null;
      });
    } catch (error) {
      // It may come yet, and nobody waits for it.
      if (timeoutMs === undefined || !isDidafsError(error, "ERR_TIMEOUT")) throw error;
    }
  }

  /** A sequential one is said to begin when the one before it has ended, whenever it was asked for. */
  #record(
    word: number,
    input: WordInput,
    call: (at: number) => Promise<number | null>,
  ): Promise<number | null> {
    const history = this.#file.words[word] as EpochFile["words"][number];
    const at = this.#file.places[word] as number;
    if (!this.#inTurn) return history.record(this.#client, input, () => call(at));
    const called = call(at);
    // It may fail before its turn.
    called.catch(() => {});
    const recorded = this.#last.then(() => history.record(this.#client, input, () => called));
    this.#last = recorded.catch(() => {});
    return recorded;
  }
}
