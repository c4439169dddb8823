import type { DidafsWindow, EpochAccess, EpochOptions } from "../../client/api.ts";
import { isDidafsError } from "../../std/errors.ts";
import type { Epoch, EpochStep } from "../checkers/epoch-history.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, EpochFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";
import { buffered, RecordedAccesses, type WordAccesses } from "./word-accesses.ts";

const WORDS_MAX = 3;
/** How long a body may take between two of its steps. */
const BODY_MS = [1, 100] as const;
/** How often a word is changed outside of epochs instead, where these do not count on locks that others take, too. */
const PLAIN_RATE = 0.15;
/** How often a machine may lose power behind that as it may behind any stable flush: they are many. */
const LOSS_SHARES = { epoch: 0.05, swap: 0.3 } as const;

/** What a body ends with that wants no effect of its epoch. */
class ChangedItsMind extends Error {}

/** What a body is to do. */
interface BodyPlan {
  readonly words: readonly number[];
  readonly writes: boolean;
  readonly fails: boolean;
}

/** What was begun, until it is known how it ended. */
interface Seen {
  readonly client: string;
  readonly invoked: number;
  returned: number;
  outcome: Epoch["outcome"];
  steps: EpochStep[];
}

/**
 * What a client does in epochs on the words of a file: it reads some of them, and writes some of these. Now and then it changes
 * a word outside of any epoch, and makes that stable.
 */
export class EpochWork {
  readonly #file: EpochFile;
  readonly #held: HeldWindow;
  readonly #client: ClientProcess;
  readonly #book: Book;
  readonly #random: SimRandom;
  readonly #options: EpochOptions;
  /** By word: what was seen last, so that a compare-and-swap has a chance. */
  readonly #last = new Map<number, number>();

  constructor(file: EpochFile, held: HeldWindow, client: ClientProcess, book: Book, random: SimRandom) {
    const { atomicity, isolation, consistency, durability } = file.plan;
    this.#file = file;
    this.#held = held;
    this.#client = client;
    this.#book = book;
    this.#random = random;
    this.#options = { atomicity, isolation, consistency, durability, timeoutMs: client.timeoutMs };
  }

  /** One epoch, or a look by none. @returns whether it was committed */
  async step(): Promise<boolean> {
    const words = [...this.#file.places.keys()];
    if (this.#file.plan.looks === true && this.#random.chance(0.5)) {
      return this.#look(this.#random.pick(words));
    }
    const { atomicity, isolation, unlocked } = this.#file.plan;
    const locks = isolation === "exclusive" || isolation === "shared";
    const isOpen = atomicity === "all" && (!locks || unlocked === true);
    if (isOpen && this.#random.chance(PLAIN_RATE)) return this.#swap(this.#random.pick(words));
    const chosen = Array.from({ length: this.#random.between(1, WORDS_MAX) }, () => this.#random.pick(words));
    const [writes, fails] = [this.#random.chance(0.8), this.#random.chance(0.05)];
    return this.#epoch({ words: [...new Set(chosen)], writes, fails });
  }

  /** An epoch that reads and writes every word is committed. */
  prove(): Promise<boolean> {
    return this.#epoch({ words: [...this.#file.places.keys()], writes: true, fails: false });
  }

  #look(word: number): Promise<boolean> {
    return this.#held.use(async (window) => {
      const { places, words } = this.#file;
      const limits = { timeoutMs: this.#client.timeoutMs };
      await (words[word] as EpochFile["words"][number]).record(this.#client.name, { op: "load" }, () =>
        window.load(places[word] as number, "i64", limits),
      );
      return true;
    });
  }

  #epoch(plan: BodyPlan): Promise<boolean> {
    const { isolation, readers = "shared" } = this.#file.plan;
    const isReader = !plan.writes && isolation === "exclusive";
    const options: EpochOptions = isReader ? { ...this.#options, isolation: readers } : this.#options;
    return this.#held.use(async (window, id) => {
      const seen = this.#begin();
      let flushed = (): void => {};
      try {
        await window.epoch(options, async (access) => {
          await this.#spanned(plan, () => this.#body(access, plan, id, seen.steps));
          flushed = this.#flushBegins(id);
        });
        flushed();
        this.#end(seen, "committed");
        if (options.durability === "stable") this.#mayLosePower("epoch");
        return true;
      } catch (error) {
        const isKnown = error instanceof ChangedItsMind || (isDidafsError(error) && error.applied === "no");
        this.#end(seen, isKnown ? "aborted" : "unknown");
        if (error instanceof ChangedItsMind) return true;
        // Others were quicker: no fault of the cluster's.
        if (isDidafsError(error, "ERR_EPOCH_CONFLICT")) return false;
        throw error;
      }
    });
  }

  /** As an epoch that reads and writes one word, which is committed once it is stable. */
  #swap(word: number): Promise<boolean> {
    return this.#held.use(async (window) => {
      const written = this.#file.nextValue++;
      this.#file.unstable.add(written);
      const seen = this.#begin();
      try {
        const isSwapped = await this.#swapWord(window, word, written, seen.steps);
        if (!isSwapped) this.#end(seen, "aborted");
        else {
          await window.flush("stable", { timeoutMs: this.#client.timeoutMs });
          this.#file.unstable.delete(written);
          this.#end(seen, "committed");
          this.#mayLosePower("swap");
        }
        return true;
      } catch (error) {
        this.#end(seen, "unknown");
        throw error;
      }
    });
  }

  async #swapWord(window: DidafsWindow, word: number, written: number, steps: EpochStep[]): Promise<boolean> {
    const expected = this.#last.get(word) ?? 0;
    const key = keyOf(word);
    const at = this.#file.places[word] as number;
    steps.push({ op: "read", key, value: expected }, { op: "write", key, value: written });
    const value = await window.compareAndSwap(at, expected, written, "i64", {
      timeoutMs: this.#client.timeoutMs,
    });
    this.#last.set(word, value === expected ? written : value);
    return value === expected;
  }

  #mayLosePower(behind: keyof typeof LOSS_SHARES): void {
    if (this.#random.chance(LOSS_SHARES[behind])) this.#book.onFlushed(this.#file);
  }

  #begin(): Seen {
    const { name: client } = this.#client;
    const seen: Seen = {
      client,
      invoked: this.#book.sequence.next(),
      returned: Number.POSITIVE_INFINITY,
      // What its process takes with it when it ends.
      outcome: "unknown",
      steps: [],
    };
    this.#file.epochs.push(seen);
    return seen;
  }

  #end(seen: Seen, outcome: Epoch["outcome"]): void {
    // Of unknown outcome it may take effect at any later time.
    if (outcome !== "unknown") seen.returned = this.#book.sequence.next();
    seen.outcome = outcome;
    this.#book.note(
      this.#client.name,
      `epoch on ${this.#file.path} is ${outcome}: ${JSON.stringify(seen.steps)}`,
    );
  }

  /** A stable epoch whose accesses took effect one by one makes them stable when it closes. @returns what says that it has */
  #flushBegins(window: string): () => void {
    const { words, plan } = this.#file;
    if (plan.atomicity === "all" || plan.durability !== "stable") return () => {};
    const flushes = words.map((word) => word.begin(this.#client.name, { op: "flush", window }));
    return () => {
      for (const [word, flush] of flushes.entries()) words[word]?.end(flush, null);
    };
  }

  async #spanned({ writes }: BodyPlan, body: () => Promise<void>): Promise<void> {
    const { sequence } = this.#book;
    const began = sequence.next();
    const span = { client: this.#client.name, writes, began, ended: Number.POSITIVE_INFINITY };
    this.#file.bodies.push(span);
    try {
      await body();
    } finally {
      span.ended = sequence.next();
    }
  }

  async #body(access: EpochAccess, plan: BodyPlan, window: string, steps: EpochStep[]): Promise<void> {
    steps.length = 0;
    if (this.#options.atomicity === "all") await this.#oneByOne(buffered(this.#file, access), plan, steps);
    else {
      const accesses = new RecordedAccesses(this.#file, access, this.#client.name, window);
      if (this.#random.chance(0.5)) await this.#allAtOnce(accesses, plan, steps);
      else await this.#oneByOne(accesses, plan, steps);
    }
    if (plan.fails) throw new ChangedItsMind("an epoch that fails on purpose");
  }

  /** Each word is read before it is written: so it can be told which version follows which. */
  async #oneByOne(accesses: WordAccesses, { words, writes }: BodyPlan, steps: EpochStep[]): Promise<void> {
    for (const word of words) {
      const key = keyOf(word);
      const load = async (): Promise<void> => {
        const value = await accesses.load(word);
        steps.push({ op: "read", key, value });
        this.#last.set(word, value);
      };
      await load();
      if (this.#random.chance(0.3)) await this.#client.sleep(this.#random.magnitude(...BODY_MS));
      if (!writes || !this.#random.chance(0.6)) continue;
      const value = this.#file.nextValue++;
      await accesses.store(word, value);
      steps.push({ op: "write", key, value });
      if (this.#random.chance(0.2)) await load();
    }
  }

  /** Each word is read or written, and nothing is waited for before all are asked for. */
  async #allAtOnce(accesses: WordAccesses, { words, writes }: BodyPlan, steps: EpochStep[]): Promise<void> {
    const asked = words.map(async (word) => {
      const key = keyOf(word);
      if (writes && this.#random.chance(0.6)) {
        const value = this.#file.nextValue++;
        steps.push({ op: "write", key, value });
        await accesses.store(word, value);
      } else steps.push({ op: "read", key, value: await accesses.load(word) });
    });
    const failed = (await Promise.allSettled(asked)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }
}

function keyOf(word: number): string {
  return `word ${word}`;
}

/**
 * The history for the checker. What was changed outside of epochs and was not flushed may be there, and be gone after a crash: so
 * nothing is asked of it, nor of those who saw it.
 */
export function epochsOf({ epochs, unstable }: EpochFile): Epoch[] {
  const isKnown = ({ op, ...step }: EpochStep): boolean => !("value" in step) || !unstable.has(step.value);
  return epochs.map((epoch) => ({ ...epoch, steps: epoch.steps.filter(isKnown) }));
}
