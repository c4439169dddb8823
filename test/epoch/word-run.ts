import assert from "node:assert/strict";
import { WORD_ACTION } from "../../src/epoch/word-actions.ts";
import type { WordLimits, WordReader } from "../../src/epoch/word-wait.ts";
import type { WordWaits } from "../../src/epoch/word-waits.ts";
import type { Run } from "./every-state.ts";
import { takeAnswers } from "./take-answers.ts";
import { type Asker, type Wait, type Word, WordModel } from "./word-model.ts";

export const TICK_MS = 250;
const KINDS = Object.keys(WORD_ACTION);

/** Which bytes a write is said to have touched: some of the word's, or some beside it. */
export type Touched = "all" | "first" | "last" | "before" | "behind" | "none";

export type Event =
  | {
      readonly kind: "wait";
      readonly session: number;
      readonly handle: number;
      readonly word: number;
      readonly seen: bigint;
      readonly waitTicks: number;
    }
  /** Stores to the word; `write` tells of it in the same event. */
  | { readonly kind: "write" | "store"; readonly word: number; readonly value: bigint }
  | { readonly kind: "tell"; readonly word: number; readonly touched: Touched }
  | { readonly kind: "unbind"; readonly session: number; readonly handle: number }
  | { readonly kind: "end"; readonly session: number }
  | { readonly kind: "tick" };

export interface Setting {
  readonly limits: WordLimits;
  readonly words: readonly Word[];
  readonly table: (read: WordReader, limits: WordLimits) => WordWaits<Asker>;
}

/**
 * The waits beside a naive model: every event must lead to the answers that the model expects, and to nothing else. What must
 * always hold is checked by itself as well, so that it is named.
 */
export class WordRun implements Run<Event> {
  readonly table: WordWaits<Asker>;
  readonly model: WordModel;
  readonly setting: Setting;
  now = 0;
  checks = true;
  /** Sessions that have ended, and whether a window has. */
  readonly ended = new Set<number>();
  hasUnbound = false;
  /** Answers by kind. */
  readonly tally: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  readonly #askers: Asker[] = [];

  constructor(setting: Setting) {
    this.setting = setting;
    this.model = new WordModel(setting.limits, setting.words);
    const read: WordReader = (region, at, bytes, into) => {
      const word = setting.words.find((one) => one.region === region && one.at === at && one.bytes === bytes);
      assert.ok(word !== undefined, "what is read is what is waited for");
      const value = this.model.valueOf(word);
      into[0] = Number(BigInt.asIntN(32, value));
      into[1] = Number(BigInt.asIntN(32, value >> 32n));
    };
    this.table = setting.table(read, setting.limits);
  }

  apply(event: Event): void {
    this.model.expected.clear();
    this.#step(event);
    this.#takeActions(event.kind !== "end" && event.kind !== "unbind" && event.kind !== "tick");
    if (this.checks) this.#check();
  }

  #step(event: Event): void {
    const { model, table } = this;
    switch (event.kind) {
      case "wait":
        this.#wait(event);
        break;
      case "write":
        this.#store(event.word, event.value);
        this.#tell(event.word, "all");
        break;
      case "store":
        this.#store(event.word, event.value);
        break;
      case "tell":
        this.#tell(event.word, event.touched);
        break;
      case "unbind":
        this.hasUnbound = true;
        model.cancel(event.session, event.handle);
        table.closeHandle(event.session, event.handle);
        break;
      case "end":
        this.ended.add(event.session);
        model.cancel(event.session);
        table.endWaits(event.session);
        break;
      default:
        this.now += 1;
        model.expire(this.now);
        table.expire(this.now * TICK_MS);
    }
  }

  #wordAt(index: number): Word {
    return this.setting.words[index] as Word;
  }

  #wait(event: Extract<Event, { kind: "wait" }>): void {
    const { session, handle, waitTicks } = event;
    const word = this.#wordAt(event.word);
    const seen = fitting(event.seen, word);
    const asker: Asker = { number: this.#askers.length, answer: undefined };
    this.#askers.push(asker);
    const wait: Wait = { asker, session, handle, word, seen, deadline: this.now + waitTicks };
    this.model.wait(wait, this.now);
    const halves = { low: Number(seen & 0xffff_ffffn), high: Number(seen >> 32n) };
    const claim = { session, handle, ...word, ...halves };
    this.table.wait(claim, waitTicks * TICK_MS, asker, this.now * TICK_MS);
  }

  #store(index: number, value: bigint): void {
    const word = this.#wordAt(index);
    this.model.values.set(word, fitting(value, word));
    this.model.dirty.add(word);
  }

  #tell(index: number, touched: Touched): void {
    const { region, at, bytes } = this.#wordAt(index);
    const [from, length] = {
      all: [at, bytes] as const,
      first: [at - 3, 4] as const,
      last: [at + bytes - 1, 100] as const,
      before: [at - 4, 4] as const,
      behind: [at + bytes, 4] as const,
      none: [at, 0] as const,
    }[touched];
    this.model.tell(region, from, from + length);
    if (this.table.isWatched(region)) this.table.touched(region, from, length);
  }

  #takeActions(isOrdered: boolean): void {
    let last = -1;
    takeAnswers(
      this.table.actions,
      this.model.expected,
      (i) => this.#said(i),
      ({ number }) => {
        if (isOrdered) assert.ok(number > last, "who came first is told first");
        last = number;
      },
    );
    this.table.actions.clear();
  }

  #said(i: number): string {
    const { kinds, lows, highs } = this.table.actions;
    const kind = KINDS[kinds[i] as number] as string;
    this.tally[kind] = (this.tally[kind] as number) + 1;
    if (kind !== "CHANGED") return kind;
    const [low, high] = [lows[i], highs[i]].map((half) => BigInt((half as number) >>> 0)) as [bigint, bigint];
    return `${kind} ${low | (high << 32n)}`;
  }

  #check(): void {
    const { model, table } = this;
    for (const { session, word, seen, deadline } of model.waits) {
      assert.ok(model.dirty.has(word) || model.valueOf(word) === seen, "nobody sleeps through a change");
      assert.ok(!this.ended.has(session), "nobody waits whose session has ended");
      assert.ok(deadline > this.now, "a wait outlasts its time");
      assert.ok(table.dueMs <= deadline * TICK_MS, "a wait's time is known");
    }
    for (const { region } of this.setting.words)
      assert.equal(table.isWatched(region), model.in(region).length > 0, "a region knows who waits");
    const sessions = new Set(model.waits.map(({ session }) => session));
    assert.equal(table.count, model.waits.length, "waits are counted");
    assert.equal(table.sessionCount, sessions.size, "sessions are counted");
  }

  /** Time passes until nobody waits; then there may be as many waits as ever, and nothing is left when their sessions end. */
  finish(): void {
    for (let ticks = 0; this.model.waits.length > 0; ticks += 1) {
      assert.ok(ticks < 100, "all waits end");
      this.apply({ kind: "tick" });
    }
    const { waitsMax, regionWaitsMax, sessionWaitsMax } = this.setting.limits;
    const most = Math.min(waitsMax, regionWaitsMax);
    const seen = this.model.valueOf(this.#wordAt(0));
    for (let i = 0; i < most; i += 1) {
      const session = 100 + Math.floor(i / sessionWaitsMax);
      this.apply({ kind: "wait", session, handle: 1, word: 0, seen, waitTicks: 1 });
    }
    assert.equal(this.table.count, most, "there may be as many waits as ever");
    for (let session = 100; this.model.waits.length > 0; session += 1) this.apply({ kind: "end", session });
    assert.equal(this.table.count + this.table.sessionCount, 0, "nothing is left");
    assert.ok(
      this.#askers.every(({ answer }) => answer !== undefined),
      "everybody was answered",
    );
  }
}

/** As much of a value as a word of that length holds. */
function fitting(value: bigint, { bytes }: Word): bigint {
  return BigInt.asUintN(8 * bytes, value);
}
