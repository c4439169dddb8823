import type { SimRandom } from "../random.ts";

/** One thread of a process: a loop that steps something, and sleeps while that has nothing to do. */
export interface ThreadBody {
  readonly name: string;
  /** What a step takes, at least and at most. */
  readonly stepMs?: readonly [number, number];
  /** What it finds may be there without anybody having woken it: mail that was left, the end of a lease. */
  needsNoWake?(nowMs: number): boolean;
  /** Nothing of it waits for promises. */
  readonly isPlain?: boolean;
  /** @returns work done */
  step(nowMs: number): number;
  /** Nothing was done: the thread blocks. @returns when it goes on by itself, because something is due */
  block(nowMs: number): number;
  /** The block has ended. */
  unblock?(): void;
  /** It may block right after work, where this is in the future once promises have gone on. */
  dueMs?(): number;
  /** When something ends the block before that; asked again and again. */
  wakeMs(): number;
  /** Longest block, whatever is due. */
  readonly waitMsMax: number;
}

/** What a step takes: most of them some microseconds, and now and then the machine has something else to do. */
const STEP_MS_DEFAULT = [0.004, 0.1] as const;
const HICCUP_MS = [0.1, 20] as const;
const HICCUP_RATE = 0.002;
/** Pieces of work that are taken for something that came alone. */
const REST_RATE = 0.5;
/** Steps without work before a thread blocks. */
const SPIN_ROUNDS_MAX = 2;

/** A thread as the scheduler sees it. */
export class SimThread {
  readonly body: ThreadBody;
  readonly #random: SimRandom;
  /** When the step that runs is over. */
  #freeMs: number;
  #blockedUntilMs: number | undefined;
  /** It blocks as long as it may, though nothing is due. */
  #capped = false;
  #idleRounds = 0;
  /** It takes the work that it has done for something that came alone, and looks whether it may block. */
  #rests = false;

  constructor(body: ThreadBody, random: SimRandom, nowMs: number) {
    this.body = body;
    this.#random = random;
    this.#freeMs = nowMs;
  }

  /** When its next step is. */
  nextMs(): number {
    if (this.#blockedUntilMs === undefined) return this.#freeMs;
    return Math.max(this.#freeMs, Math.min(this.#blockedUntilMs, this.body.wakeMs()));
  }

  /**
   * @param slowness its steps take so many times as long
   * @returns work done; `late` where it was there all the while, and nobody woke the thread
   */
  step(nowMs: number, slowness: number): { work: number; late: boolean } {
    if (this.#rests) {
      this.#rests = false;
      if ((this.body.dueMs?.() ?? 0) > nowMs) {
        this.#block(nowMs);
        return { work: 0, late: false };
      }
    }
    const overslept = this.#capped && nowMs <= (this.#blockedUntilMs ?? 0) && this.body.wakeMs() > nowMs;
    if (this.#blockedUntilMs !== undefined) this.body.unblock?.();
    this.#blockedUntilMs = undefined;
    const work = this.body.step(nowMs);
    this.#idleRounds = work > 0 ? 0 : this.#idleRounds + 1;
    this.#freeMs = nowMs + this.#stepMs() * slowness;
    this.#rests = work > 0 && this.body.dueMs !== undefined && this.#random.chance(REST_RATE);
    if (this.#idleRounds > this.#random.between(0, SPIN_ROUNDS_MAX)) this.#block(nowMs);
    return { work, late: overslept && work > 0 && this.body.needsNoWake?.(nowMs) !== true };
  }

  /** It does nothing before `untilMs`. */
  hold(untilMs: number): void {
    this.#freeMs = Math.max(this.#freeMs, untilMs);
  }

  #block(nowMs: number): void {
    const dueMs = this.body.block(nowMs);
    const capMs = nowMs + this.body.waitMsMax;
    this.#capped = dueMs > capMs;
    this.#blockedUntilMs = Math.min(dueMs, capMs);
  }

  #stepMs(): number {
    const { stepMs = STEP_MS_DEFAULT } = this.body;
    const [low, high] = this.#random.chance(HICCUP_RATE) ? HICCUP_MS : stepMs;
    return this.#random.magnitude(low, high);
  }
}
