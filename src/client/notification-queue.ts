import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { decodeNotice, NOTICE_BYTES } from "../wire/notifications.ts";
import type { CallOptions, Notification, NotificationCounter, NotificationQueue } from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { type QueueAnswer, QueueAnswers, type QueueHome } from "./queue-answers.ts";
import type { Stripes } from "./stripes.ts";

/** Somebody who iterates waits as long as it takes. */
const UNLIMITED: CallLimits = { timeoutMs: Number.POSITIVE_INFINITY, signal: undefined };

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
  #closing: Promise<void> | undefined;
  #released: Promise<void> | undefined;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#answers = new QueueAnswers(
      parts.homes,
      (home, answer) => this.took(home, answer),
      () => {
        // Where one home is lost, those of the others must not hold up anybody: nobody reads them.
        this.#released = parts.release();
      },
    );
  }

  /** Keeps what a home has told. @throws ERR_PROTOCOL for what it cannot have */
  protected abstract took(home: QueueHome, answer: QueueAnswer): void;
  /** What was told and nobody has taken. */
  protected abstract pop(): T | undefined;

  async next(options?: CallOptions): Promise<T> {
    const limits = callLimits(options, this.#parts.timeoutMs);
    return this.#next(limits);
  }

  async #next(limits: CallLimits): Promise<T> {
    const { clock } = (this.#parts.homes[0] as QueueHome).access.link;
    const deadlineMs = clock.nowMs() + limits.timeoutMs;
    for (;;) {
      const found = this.pop();
      if (found !== undefined) return found;
      const timeoutMs = deadlineMs - clock.nowMs();
      if (timeoutMs <= 0) throw this.#nothingCame(limits.timeoutMs);
      try {
        await this.#answers.come({ ...limits, timeoutMs });
      } catch (error) {
        throw isDidafsError(error, "ERR_TIMEOUT") ? this.#nothingCame(limits.timeoutMs) : error;
      }
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
    if (found === undefined) this.#answers.ask();
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
  /** Of the next notice that each home tells. */
  readonly #sequences = new Map<QueueHome, number>();

  constructor(parts: QueueParts) {
    super(parts);
    this.#stripes = parts.stripes;
  }

  tryNext(): Notification | undefined {
    return this.popOrAsk();
  }

  protected override pop(): Notification | undefined {
    return this.#told.shift();
  }

  protected override took(home: QueueHome, { count, notices }: QueueAnswer): void {
    if (count * NOTICE_BYTES !== notices.length) throw untrue(home, `${notices.length} bytes of ${count}`);
    const first = this.#sequences.get(home) ?? 0;
    const came = Array.from({ length: count }, (_, place): Notification => {
      const notice = decodeNotice(notices, place);
      if (notice.sequence !== first + place)
        throw untrue(home, `number ${notice.sequence}, not ${first + place}`);
      const { source, tag } = notice;
      return { source, tag, ...this.#range(home.index, notice) };
    });
    this.#sequences.set(home, first + count);
    this.#told.push(...came);
  }

  /** Where the access was, as far as it was in the window: who sent it may say anything. */
  #range(
    index: number,
    { at, length, before }: { readonly at: number; readonly length: number; readonly before: number },
  ): { readonly at: number; readonly length: number } {
    const inside = (place: number): number => Math.min(Math.max(place, 0), this.#stripes.length);
    if (length === 0 && before === 0) return { at: inside(this.#stripes.placeOf(index, at)), length: 0 };
    const end = this.#stripes.placeOf(index, at + Math.max(length, 1) - 1) + 1;
    const from = inside(end - length - before);
    return { at: from, length: Math.max(0, inside(end) - from) };
  }
}

/** See NotificationCounter in api.ts. */
export class WindowCounter extends OpenQueue<number> implements NotificationCounter {
  #count = 0;

  take(): number {
    return this.popOrAsk() ?? 0;
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
