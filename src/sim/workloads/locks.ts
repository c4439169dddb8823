import type { CallOptions, DidafsWindow, Lock } from "../../client/api.ts";
import { isDidafsError } from "../../std/errors.ts";
import type { Section } from "../checkers/exclusion.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import { type Believer, type Book, type LockFile, targetOf } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";

/** How long a section lasts that does not end at once: within a lease most of the time. */
const SECTION_MS = [1, 2000] as const;
const WORD_BYTES = 8;

/** What a client does under locks on ranges of a file: it reads a word, waits, and writes it or reads it again. */
export class LockWork {
  readonly #file: LockFile;
  readonly #held: HeldWindow;
  readonly #client: ClientProcess;
  readonly #book: Book;
  readonly #random: SimRandom;
  readonly #limits: CallOptions;

  constructor(file: LockFile, held: HeldWindow, client: ClientProcess, book: Book, random: SimRandom) {
    this.#file = file;
    this.#held = held;
    this.#client = client;
    this.#book = book;
    this.#random = random;
    this.#limits = { timeoutMs: client.timeoutMs };
  }

  /** One section. @returns whether it was done */
  async step(): Promise<boolean> {
    const mode = this.#random.chance(0.3) ? "shared" : "exclusive";
    return this.#section(this.#random.between(0, this.#file.places.length - 1), mode);
  }

  /** Every word can be locked and written. */
  async prove(): Promise<boolean> {
    for (const word of this.#file.places.keys()) {
      if (!(await this.#section(word, "exclusive"))) return false;
    }
    return true;
  }

  #section(word: number, mode: Section["mode"]): Promise<boolean> {
    return this.#held.use(async (window) => {
      // Who was stopped meanwhile may hear of a lock that he had, and believe in it until his agent has looked at the time.
      const { pauses } = this.#client;
      const lock = await this.#lock(window, word, mode);
      if (lock === undefined) return false;
      const believer = this.#believe(window, lock, word, mode, pauses);
      try {
        await this.#work(window, word, mode);
      } finally {
        this.#file.believers.delete(believer);
        this.#book.note(this.#client.name, `lets go of the lock at ${lock.range.at}`);
        await lock.release();
      }
      return true;
    });
  }

  /** Nobody else whom it excludes may believe so too. */
  #believe(window: DidafsWindow, lock: Lock, word: number, mode: Section["mode"], pauses: number): Believer {
    const client = this.#client;
    const { believers, path } = this.#file;
    const runs = (): boolean => !client.ended && client.pauses === pauses;
    const believes = (): boolean => runs() && this.#held.holds(window) && !lock.lost.aborted;
    const believer = { client: client.name, word, mode, believes };
    for (const other of believers) {
      if (!believes()) break;
      const excludes = other.word === word && (mode === "exclusive" || other.mode === "exclusive");
      if (!excludes || !other.believes()) continue;
      this.#book.fail(
        "exclusion",
        `${client.name} was given a lock on word ${word} of ${path} that ${other.client} holds`,
      );
    }
    believers.add(believer);
    const { at, length } = lock.range;
    this.#book.note(client.name, `locks ${length} bytes of ${path} at ${at}, ${mode}`);
    return believer;
  }

  /** Of a range around the word, so that ranges overlap. @returns undefined where others have it, or wait for it, too long */
  async #lock(window: DidafsWindow, word: number, mode: Section["mode"]): Promise<Lock | undefined> {
    const place = this.#file.places[word] as number;
    const before = Math.min(place, this.#random.pick([0, 0, 1, 4096]));
    const after = this.#random.pick([0, 0, 1, 4096]);
    const length = Math.min(before + WORD_BYTES + after, window.length - (place - before));
    const range = { at: place - before, length, mode };
    if (this.#random.chance(0.2)) return window.tryLock(range, this.#limits);
    try {
      return await window.lock(range, this.#limits);
    } catch (error) {
      // Waiting is no fault of the cluster's, and no reason for another window.
      if (!isDidafsError(error, "ERR_TIMEOUT", "ERR_DEADLOCK", "ERR_TOO_MANY")) throw error;
      this.#book.note(this.#client.name, `gets no lock: ${error.code}`);
      return undefined;
    }
  }

  async #work(window: DidafsWindow, word: number, mode: Section["mode"]): Promise<void> {
    const place = this.#file.places[word] as number;
    const losses = this.#losses(place);
    const { pauses } = this.#client;
    const read = await window.load(place, "i64", this.#limits);
    if (this.#random.chance(0.7)) await this.#client.sleep(this.#random.magnitude(...SECTION_MS));
    const second = await this.#end(window, place, mode);
    this.#book.note(
      this.#client.name,
      `read ${read} and then had ${second} in ${this.#file.path} at ${place}`,
    );
    // Who was stopped longer than his lease may reach a mapping once more: read it, or store to one that is raw.
    const reachesMapping = mode === "shared" || this.#file.plan.sharing === "raw";
    const mayBeLate = reachesMapping && pauses !== this.#client.pauses;
    if (losses !== this.#losses(place) || mayBeLate) return;
    this.#file.sections[word]?.push({ client: this.#client.name, losses, read, second, mode });
  }

  async #end(window: DidafsWindow, place: number, mode: Section["mode"]): Promise<number> {
    if (mode === "shared") return window.load(place, "i64", this.#limits);
    const value = this.#file.nextValue++;
    await window.store(place, value, "i64", this.#limits);
    return value;
  }

  #losses(place: number): number {
    return this.#file.losses.get(targetOf(this.#file, place) ?? "") ?? 0;
  }
}
