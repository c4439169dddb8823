import { WORD_ACTION, WordActions } from "./word-actions.ts";
import { WORD_LIMITS, type WordClaim, type WordLimits, type WordReader, type WordWait } from "./word-wait.ts";

/**
 * Who waits, at one home, for a word to be another one than he saw. A pure state machine: its methods are the events, those that
 * time matters to with the time; what comes of one is in `actions`, which its caller carries out and clears.
 *
 * No change is slept through: looking at the word and beginning to wait is one event, and each write is followed by one that
 * looks. A word that is changed and changed back is missed only where both happen between two events: two
 * writes that are each told of are two events, but stores to a mapping that are told of together are one.
 */
export class WordWaits<W> {
  readonly actions: WordActions<W>;
  count = 0;
  readonly #read: WordReader;
  readonly #limits: WordLimits;
  /** In the order of coming; no region without one. */
  readonly #regions = new Map<string, WordWait<W>[]>();
  /** How many each session has; none without one. */
  readonly #sessions = new Map<number, number>();
  /** The word that was looked at last. */
  readonly #present = new Int32Array(2);
  /** No wait ends before. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(read: WordReader, limits: WordLimits = WORD_LIMITS) {
    this.#read = read;
    this.#limits = limits;
    this.actions = new WordActions(limits.waitsMax + 1);
  }

  /** When `expire` is to be called though nothing happened. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Sessions that wait for something. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** True where `touched` is to be called after each write. One look into a table, which allocates nothing. */
  isWatched(region: string): boolean {
    return this.#regions.has(region);
  }

  /** How many waits there are at that region. */
  waitsAt(region: string): number {
    return this.#regions.get(region)?.length ?? 0;
  }

  /** Answered at once where the word is another one already. @param waitMs how long it may wait; 0: not at all */
  wait(claim: WordClaim, waitMs: number, waiter: W, nowMs: number): void {
    const { session, region } = claim;
    if (this.#hasChanged(claim)) {
      this.#pushChanged(waiter);
      return;
    }
    const waits = this.#regions.get(region);
    const refusal = this.#refusal(session, waits?.length ?? 0, waitMs);
    if (refusal !== undefined) {
      this.actions.push(refusal, waiter);
      return;
    }
    const deadlineMs = nowMs + waitMs;
    const wait: WordWait<W> = { claim, waiter, deadlineMs };
    if (waits === undefined) this.#regions.set(region, [wait]);
    else waits.push(wait);
    this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1);
    this.count += 1;
    this.#dueMs = Math.min(this.#dueMs, deadlineMs);
  }

  #refusal(session: number, regionWaits: number, waitMs: number): number | undefined {
    if (waitMs <= 0) return WORD_ACTION.TIMED_OUT;
    const limits = this.#limits;
    const isTooMuch =
      this.count >= limits.waitsMax ||
      regionWaits >= limits.regionWaitsMax ||
      (this.#sessions.get(session) ?? 0) >= limits.sessionWaitsMax;
    return isTooMuch ? WORD_ACTION.REFUSED : undefined;
  }

  #hasChanged({ region, at, bytes, low, high }: WordClaim): boolean {
    const present = this.#present;
    this.#read(region, at, bytes, present);
    return present[0] !== (low | 0) || (bytes === 8 && present[1] !== (high | 0));
  }

  #pushChanged(waiter: W): void {
    const [low, high] = this.#present;
    this.actions.push(WORD_ACTION.CHANGED, waiter, low, high);
  }

  /** Bytes may have been written. */
  touched(region: string, at: number, length: number): void {
    const waits = this.#regions.get(region);
    if (waits === undefined) return;
    const end = at + length;
    this.#leaveWhere(region, waits, (wait) => {
      const { claim } = wait;
      if (claim.at >= end || at >= claim.at + claim.bytes || !this.#hasChanged(claim)) return false;
      this.#pushChanged(wait.waiter);
      return true;
    });
  }

  /** Those for which `isOver` returns true, which has answered them, wait no more. The others keep their order. */
  #leaveWhere(region: string, waits: WordWait<W>[], isOver: (wait: WordWait<W>) => boolean): void {
    let kept = 0;
    for (const wait of waits) {
      if (isOver(wait)) this.#countOut(wait.claim.session);
      else {
        waits[kept] = wait;
        kept += 1;
      }
    }
    waits.length = kept;
    if (kept === 0) this.#regions.delete(region);
  }

  #countOut(session: number): void {
    this.count -= 1;
    const left = (this.#sessions.get(session) as number) - 1;
    if (left > 0) this.#sessions.set(session, left);
    else this.#sessions.delete(session);
  }

  /** The session's window has gone, and what it waited for through it. */
  closeHandle(session: number, handle: number): void {
    this.#cancel(session, (claim) => claim.handle === handle);
  }

  /** The session waits for that word through that window no more. */
  takeBack(session: number, handle: number, at: number, bytes: number): void {
    this.#cancel(session, (claim) => claim.handle === handle && claim.at === at && claim.bytes === bytes);
  }

  /** The region ends there now, and what lies behind is no word any more. */
  cut(region: string, byteLength: number): void {
    const waits = this.#regions.get(region);
    if (waits === undefined) return;
    this.#leaveWhere(region, waits, ({ claim, waiter }) => {
      if (claim.at + claim.bytes <= byteLength) return false;
      this.actions.push(WORD_ACTION.CANCELLED, waiter);
      return true;
    });
  }

  /** The session, or its connection, has ended: it waits for nothing any more. */
  endWaits(session: number): void {
    this.#cancel(session, () => true);
  }

  #cancel(session: number, isMeant: (claim: WordClaim) => boolean): void {
    if (!this.#sessions.has(session)) return;
    for (const [region, waits] of this.#regions) {
      this.#leaveWhere(region, waits, ({ claim, waiter }) => {
        if (claim.session !== session || !isMeant(claim)) return false;
        this.actions.push(WORD_ACTION.CANCELLED, waiter);
        return true;
      });
    }
  }

  /** Ends the waits whose time has come. Each looks once more: a change that nobody has told of is not called none. */
  expire(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const [region, waits] of this.#regions) {
      this.#leaveWhere(region, waits, ({ claim, waiter, deadlineMs }) => {
        if (nowMs < deadlineMs) {
          dueMs = Math.min(dueMs, deadlineMs);
          return false;
        }
        if (this.#hasChanged(claim)) this.#pushChanged(waiter);
        else this.actions.push(WORD_ACTION.TIMED_OUT, waiter);
        return true;
      });
    }
    this.#dueMs = dueMs;
  }
}
