import { type Poller, READABLE, type Source, type Waker, WRITABLE } from "../ports/poller.ts";
import type { SimClock } from "./clock.ts";

interface Watched {
  readonly interest: number;
  readonly token: number;
}

/** What simulated streams and listeners know. */
interface SimSource extends Source {
  readableMs(): number;
  readonly writable?: boolean;
}

/**
 * A poller that reports exactly what is ready, and says until when its thread sleeps: a thread that nobody wakes and that
 * has nothing to receive does not go on. Its `wait` does not block; whoever owns the thread does not step it until then.
 */
export class SleepingPoller implements Poller, Waker {
  readonly ready: Int32Array = new Int32Array(1024);
  readonly wakeDescriptor = 0;
  readonly #clock: SimClock;
  readonly #watched = new Map<SimSource, Watched>();
  #woken = false;
  #sleepMs = 0;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  /** How long the last `wait` would have blocked, if nobody woke it: not at all where it had something to report. */
  get sleepMs(): number {
    return this.#sleepMs;
  }

  watch(source: Source, interest: number, token: number): void {
    this.#watched.set(source as SimSource, { interest, token });
  }

  unwatch(source: Source): void {
    this.#watched.delete(source as SimSource);
  }

  wait(timeoutMs: number): number {
    const woken = this.#woken;
    this.#woken = false;
    const nowMs = this.#clock.nowMs();
    let count = 0;
    for (const [source, { interest, token }] of this.#watched) {
      if (count === this.ready.length) break;
      if (readyMs(source, interest) > nowMs) continue;
      this.ready[count] = token;
      count += 1;
    }
    this.#sleepMs = woken || count > 0 ? 0 : timeoutMs;
    return count;
  }

  /** @returns when a `wait` that began now would end by itself, without its timeout */
  readyMs(): number {
    if (this.#woken) return 0;
    let atMs = Number.POSITIVE_INFINITY;
    for (const [source, { interest }] of this.#watched) atMs = Math.min(atMs, readyMs(source, interest));
    return atMs;
  }

  wake(): void {
    this.#woken = true;
  }

  close(): void {
    this.#watched.clear();
  }
}

function readyMs(source: SimSource, interest: number): number {
  if ((interest & WRITABLE) !== 0 && source.writable === true) return 0;
  return (interest & READABLE) === 0 ? Number.POSITIVE_INFINITY : source.readableMs();
}
