import type { WordLimits } from "../../src/epoch/word-wait.ts";

/** Whoever waits for an answer, and what he got. */
export interface Asker {
  /** In the order of coming. */
  readonly number: number;
  answer: string | undefined;
}

export interface Word {
  readonly region: string;
  readonly at: number;
  readonly bytes: 4 | 8;
}

export interface Wait {
  readonly asker: Asker;
  readonly session: number;
  readonly handle: number;
  readonly word: Word;
  readonly seen: bigint;
  /** Ticks. */
  readonly deadline: number;
}

/** Words and who waits for them, as a naive person would keep them. */
export class WordModel {
  /** Answers that the last event must lead to. */
  readonly expected = new Map<Asker, string>();
  waits: Wait[] = [];
  readonly values: Map<Word, bigint>;
  /** Words that have been stored to since somebody was told. */
  readonly dirty = new Set<Word>();
  readonly #limits: WordLimits;

  constructor(limits: WordLimits, words: readonly Word[]) {
    this.#limits = limits;
    this.values = new Map(words.map((word) => [word, 0n]));
  }

  of(session: number): Wait[] {
    return this.waits.filter((wait) => wait.session === session);
  }

  in(region: string): Wait[] {
    return this.waits.filter(({ word }) => word.region === region);
  }

  valueOf(word: Word): bigint {
    return this.values.get(word) as bigint;
  }

  wait(wait: Wait, now: number): void {
    const { asker, session, word, seen, deadline } = wait;
    const { waitsMax, sessionWaitsMax, regionWaitsMax } = this.#limits;
    const isFull =
      this.waits.length >= waitsMax ||
      this.of(session).length >= sessionWaitsMax ||
      this.in(word.region).length >= regionWaitsMax;
    if (this.valueOf(word) !== seen) this.expected.set(asker, `CHANGED ${this.valueOf(word)}`);
    else if (deadline <= now) this.expected.set(asker, "TIMED_OUT");
    else if (isFull) this.expected.set(asker, "REFUSED");
    else this.waits.push(wait);
  }

  tell(region: string, at: number, end: number): void {
    const isTold = (word: Word): boolean =>
      word.region === region && Math.min(end, word.at + word.bytes) > Math.max(at, word.at);
    for (const word of this.values.keys()) if (isTold(word)) this.dirty.delete(word);
    this.#end(
      ({ word, seen }) => isTold(word) && this.valueOf(word) !== seen,
      ({ word }) => `CHANGED ${this.valueOf(word)}`,
    );
  }

  #end(isOver: (wait: Wait) => boolean, answer: (wait: Wait) => string): void {
    for (const wait of this.waits.filter(isOver)) this.expected.set(wait.asker, answer(wait));
    this.waits = this.waits.filter((wait) => !isOver(wait));
  }

  cancel(session: number, handle?: number): void {
    const isMeant = (wait: Wait): boolean =>
      wait.session === session && (handle === undefined || wait.handle === handle);
    this.#end(isMeant, () => "CANCELLED");
  }

  expire(now: number): void {
    this.#end(
      ({ deadline }) => deadline <= now,
      ({ word, seen }) => (this.valueOf(word) === seen ? "TIMED_OUT" : `CHANGED ${this.valueOf(word)}`),
    );
  }
}
