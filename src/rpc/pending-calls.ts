import type { Applied, DidafsError } from "../std/errors.ts";
import type { Method } from "../wire/control.ts";
import type { OutFrame } from "./outbox.ts";

/** A call whose answer has not come. */
export interface PendingCall {
  readonly tag: number;
  readonly method: Method;
  readonly deadlineMs: number;
  readonly bytes: Uint8Array;
  /** Set once it is handed to the outbox. */
  frame: OutFrame | undefined;
  readonly resolve: (answer: { result: unknown; descriptor: number | undefined }) => void;
  readonly reject: (error: DidafsError) => void;
  /** To be called before it is settled. */
  readonly settled: () => void;
}

/** What a failed call left behind: surely nothing as long as no byte of it was sent. */
export function appliedOf(call: PendingCall): Applied {
  return call.frame === undefined || call.frame.sentBytes === 0 ? "no" : "unknown";
}

/** Calls by tag: those in flight, those that wait for a place, and the tags of calls given up but not yet answered. */
export class PendingCalls {
  readonly #inFlight = new Map<number, PendingCall>();
  readonly #waiting = new Map<number, PendingCall>();
  readonly #givenUp = new Set<number>();
  #nextTag = 1;
  /** No call is due before this; looking at all of them in every step would cost more than the calls. */
  #earliestMs = Number.POSITIVE_INFINITY;

  get inFlightCount(): number {
    return this.#inFlight.size + this.#givenUp.size;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** When the next call may be overdue; rather too early than too late. */
  get dueMs(): number {
    return this.#inFlight.size + this.#waiting.size === 0 ? Number.POSITIVE_INFINITY : this.#earliestMs;
  }

  newTag(): number {
    let tag: number;
    do {
      tag = this.#nextTag;
      this.#nextTag = (this.#nextTag + 1) >>> 0;
    } while (this.#inFlight.has(tag) || this.#waiting.has(tag) || this.#givenUp.has(tag));
    return tag;
  }

  addWaiting(call: PendingCall): void {
    this.#waiting.set(call.tag, call);
    this.#earliestMs = Math.min(this.#earliestMs, call.deadlineMs);
  }

  /** Moves the call that has waited longest into flight. */
  launch(): PendingCall | undefined {
    for (const call of this.#waiting.values()) {
      this.#waiting.delete(call.tag);
      this.#inFlight.set(call.tag, call);
      return call;
    }
    return undefined;
  }

  /** Takes out the call that an answer belongs to; "given up" when nobody waits for it, undefined for a foreign tag. */
  takeAnswered(tag: number): PendingCall | "given up" | undefined {
    if (this.#givenUp.delete(tag)) return "given up";
    const call = this.#inFlight.get(tag);
    this.#inFlight.delete(tag);
    return call;
  }

  /** Forgets a call; where `answerComes` its tag stays taken until then. */
  drop(call: PendingCall, answerComes: boolean): void {
    this.#waiting.delete(call.tag);
    this.#inFlight.delete(call.tag);
    if (answerComes) this.#givenUp.add(call.tag);
  }

  overdue(nowMs: number): PendingCall[] {
    if (nowMs < this.#earliestMs) return [];
    const calls = this.all();
    this.#earliestMs = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of calls) {
      if (deadlineMs > nowMs) this.#earliestMs = Math.min(this.#earliestMs, deadlineMs);
    }
    return calls.filter((call) => call.deadlineMs <= nowMs);
  }

  all(): PendingCall[] {
    return [...this.#inFlight.values(), ...this.#waiting.values()];
  }
}
