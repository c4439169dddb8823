import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { decodeNotice, NOTICE_BYTES, type Notice } from "../wire/notifications.ts";
import type { CallOptions, Notification, NotificationCounter, NotificationQueue } from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { type QueueAnswer, QueueAnswers, type QueueHome } from "./queue-answers.ts";
import type { Stripes } from "./stripes.ts";

/** Somebody who iterates waits as long as it takes. */
const UNLIMITED: CallLimits = { timeoutMs: Number.POSITIVE_INFINITY, signal: undefined };

/**
 * How often boards are looked at before somebody waits at the homes: some 50 us, about what it takes to be woken. Nothing else
 * runs on his thread meanwhile.
 */
const LOOKS = 1000;

/** Then the event loop turns, which promises of what has come already would keep it from, and all homes are asked. */
const IN_A_ROW_MAX = 64;

/** What both kinds of queues are made of. */
export interface QueueParts {
  readonly path: string;
  readonly homes: readonly QueueHome[];
  readonly stripes: Stripes;
  readonly timeoutMs: number;
  /** Tells the homes; called once. */
  readonly release: () => Promise<void>;
}

/** A queue that is open, whatever it keeps. */
abstract class OpenQueue<T> {
  readonly #parts: QueueParts;
  readonly #answers: QueueAnswers;
  /** What was taken since the event loop last turned. */
  #inARow = 0;
  /** Calls of `next` that wait. */
  #waiting = 0;
  #closing: Promise<void> | undefined;
  #released: Promise<void> | undefined;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#answers = new QueueAnswers(
      parts.homes,
      (home, answer) => this.took(home, answer),
      () => {
        for (const { reader } of parts.homes) reader?.close();
        // Where one home is lost, those of the others must not hold up anybody: nobody reads them.
        this.#released = parts.release();
      },
    );
  }

  /** Keeps what a home has told. @throws ERR_PROTOCOL for what it cannot have */
  protected abstract took(home: QueueHome, answer: QueueAnswer): void;
  /** True where homes have told something that nobody has taken. */
  protected abstract get hasTold(): boolean;
  /** What was told and nobody has taken. */
  protected abstract pop(): T | undefined;
  /** Looks for a while whether something comes without the homes' answering. @returns whether something has */
  protected abstract look(): boolean;

  async next(options?: CallOptions): Promise<T> {
    return this.#next(callLimits(options, this.#parts.timeoutMs));
  }

  #next(limits: CallLimits): T | Promise<T> {
    if (this.#isRowLong()) return this.#turnFirst(limits);
    // Who comes while somebody waits is behind him.
    const found = this.#waiting === 0 ? this.pop() : undefined;
    return found ?? this.#wait(limits);
  }

  async #turnFirst(limits: CallLimits): Promise<T> {
    this.#waiting += 1;
    await (this.#parts.homes[0] as QueueHome).access.link.pump.turn();
    this.#waiting -= 1;
    return this.pop() ?? this.#wait(limits);
  }

  /** A home whose board is never empty must not keep the others from being heard. */
  #isRowLong(): boolean {
    this.#inARow += 1;
    if (this.#inARow < IN_A_ROW_MAX) return false;
    this.#inARow = 0;
    // What homes have told is to be taken first: that is what they have room for.
    if (!this.hasTold) this.#answers.askForTold();
    return true;
  }

  async #wait(limits: CallLimits): Promise<T> {
    const { clock } = (this.#parts.homes[0] as QueueHome).access.link;
    const deadlineMs = clock.nowMs() + limits.timeoutMs;
    this.#waiting += 1;
    try {
      for (;;) {
        // One looks for all.
        const seen = this.#waiting === 1 && this.look() ? this.pop() : undefined;
        if (seen !== undefined) return seen;
        await this.#come(deadlineMs - clock.nowMs(), limits);
        const told = this.pop();
        if (told !== undefined) return told;
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  async #come(timeoutMs: number, limits: CallLimits): Promise<void> {
    if (timeoutMs <= 0) throw this.#nothingCame(limits.timeoutMs);
    try {
      await this.#answers.come({ ...limits, timeoutMs });
    } catch (error) {
      throw isDidafsError(error, "ERR_TIMEOUT") ? this.#nothingCame(limits.timeoutMs) : error;
    }
  }

  #nothingCame(timeoutMs: number): DidafsError {
    return new DidafsError("ERR_TIMEOUT", `no notification came within ${Math.ceil(timeoutMs)} ms`, {
      path: this.#parts.path,
      applied: "no",
    });
  }

  protected popOrAsk(): T | undefined {
    const found = this.pop();
    if (found === undefined) this.#answers.askForTold();
    else this.#isRowLong();
    return found;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T, void, void> {
    for (;;) {
      let found: T;
      try {
        found = await this.#next(UNLIMITED);
      } catch (error) {
        if (this.#closing !== undefined) return;
        throw error;
      }
      yield found;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#answers.end(new DidafsError("ERR_CLOSED", "the queue is closed", { path: this.#parts.path }));
    await this.#released;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** See NotificationQueue in api.ts. */
export class WindowQueue extends OpenQueue<Notification> implements NotificationQueue {
  readonly #stripes: Stripes;
  readonly #told: Notification[] = [];
  /** Where the queue is on a board. */
  readonly #read: readonly QueueHome[];
  /** Which of those comes first the next time: none keeps the others from being heard. */
  #readFirst = 0;
  /** Of the next notice that each home tells. */
  readonly #sequences = new Map<QueueHome, number>();

  constructor(parts: QueueParts) {
    super(parts);
    this.#stripes = parts.stripes;
    this.#read = parts.homes.filter(({ reader }) => reader !== undefined);
  }

  tryNext(): Notification | undefined {
    return this.popOrAsk();
  }

  protected override get hasTold(): boolean {
    return this.#told.length > 0;
  }

  protected override pop(): Notification | undefined {
    const told = this.#told.shift();
    if (told !== undefined) return told;
    for (let i = 0; i < this.#read.length; i += 1) {
      const home = this.#read[(this.#readFirst + i) % this.#read.length] as QueueHome;
      const notice = home.reader?.next();
      if (notice === undefined) continue;
      this.#readFirst += 1;
      return this.#notification(home, notice);
    }
    return undefined;
  }

  protected override look(): boolean {
    if (this.#read.length === 0) return false;
    for (let i = 0; i < LOOKS / this.#read.length; i += 1) {
      for (const { reader } of this.#read) {
        // The home says what it has told.
        if (reader?.isBehind === true) return false;
        if (reader?.hasNews === true) return true;
      }
    }
    return false;
  }

  protected override took(home: QueueHome, { count, notices }: QueueAnswer): void {
    if (count * NOTICE_BYTES !== notices.length) throw untrue(home, `${notices.length} bytes of ${count}`);
    const first = this.#sequences.get(home) ?? 0;
    const came = Array.from({ length: count }, (_, place): Notice => {
      const notice = decodeNotice(notices, place);
      const expected = (first + place) >>> 0;
      if (notice.sequence !== expected) throw untrue(home, `number ${notice.sequence}, not ${expected}`);
      return notice;
    });
    this.#sequences.set(home, (first + count) >>> 0);
    if (home.reader !== undefined) home.reader.bring(came);
    else for (const notice of came) this.#told.push(this.#notification(home, notice));
  }

  /** Where the access was, as far as it was in the window: who sent it may say anything. */
  #notification({ index }: QueueHome, { source, tag, at, length, before }: Notice): Notification {
    if (length === 0 && before === 0)
      return { source, tag, at: this.#inside(this.#stripes.placeOf(index, at)), length: 0 };
    const end = this.#stripes.placeOf(index, at + Math.max(length, 1) - 1) + 1;
    const from = this.#inside(end - length - before);
    return { source, tag, at: from, length: Math.max(0, this.#inside(end) - from) };
  }

  #inside(place: number): number {
    return Math.min(Math.max(place, 0), this.#stripes.length);
  }
}

/** See NotificationCounter in api.ts. */
export class WindowCounter extends OpenQueue<number> implements NotificationCounter {
  #count = 0;

  take(): number {
    return this.popOrAsk() ?? 0;
  }

  protected override get hasTold(): boolean {
    return this.#count > 0;
  }

  protected override look(): boolean {
    return false;
  }

  protected override pop(): number | undefined {
    const count = this.#count;
    this.#count = 0;
    return count === 0 ? undefined : count;
  }

  protected override took(home: QueueHome, { count, notices }: QueueAnswer): void {
    if (notices.length > 0) throw untrue(home, "notifications, where they are counted");
    this.#count += count;
  }
}

function untrue({ access }: QueueHome, what: string): DidafsError {
  const { target } = access.link.session;
  return new DidafsError("ERR_PROTOCOL", `target ${target} told of ${what}, which cannot be`, { target });
}
