import type { SessionCounts } from "./notification-limits.ts";
import { NOBODY, type SlotLine, SlotLines } from "./slot-lines.ts";

/** Commands that wait for a notification, in the line of their queue. */
export class NotificationNexts<W> {
  readonly #slots: SlotLines;
  /** By slot. */
  readonly #waiters: (W | undefined)[];
  readonly #deadlinesMs: Float64Array;
  readonly #entriesMax: Int32Array;
  readonly #slotCount: number;

  constructor(slotCount: number) {
    this.#slotCount = slotCount;
    this.#slots = new SlotLines(slotCount);
    this.#waiters = new Array(slotCount).fill(undefined);
    this.#deadlinesMs = new Float64Array(slotCount);
    this.#entriesMax = new Int32Array(slotCount);
  }

  get freeCount(): number {
    return this.#slots.freeCount;
  }

  get count(): number {
    return this.#slotCount - this.#slots.freeCount;
  }

  /** Stands at the line's end; a slot must be free. */
  join(line: SlotLine, session: SessionCounts, waiter: W, entriesMax: number, deadlineMs: number): void {
    const slot = this.#slots.join(line);
    this.#waiters[slot] = waiter;
    this.#deadlinesMs[slot] = deadlineMs;
    this.#entriesMax[slot] = entriesMax;
    session.nexts += 1;
  }

  /** How many entries the first in line takes at most. */
  firstEntriesMax(line: SlotLine): number {
    return this.#entriesMax[line.first] as number;
  }

  /** @returns the first in line, who waits no more */
  leaveFirst(line: SlotLine, session: SessionCounts): W {
    const waiter = this.#leave(line.first, session);
    this.#slots.leaveFirst(line);
    return waiter;
  }

  /** Those whose time has come wait no more; with an infinite `nowMs` all. @returns when the next one's comes */
  leaveDue(line: SlotLine, session: SessionCounts, nowMs: number, left: (waiter: W) => void): number {
    let dueMs = Number.POSITIVE_INFINITY;
    if (line.first === NOBODY) return dueMs;
    this.#slots.leaveWhere(line, (slot) => {
      const deadlineMs = this.#deadlinesMs[slot] as number;
      if (nowMs >= deadlineMs) {
        left(this.#leave(slot, session));
        return true;
      }
      dueMs = Math.min(dueMs, deadlineMs);
      return false;
    });
    return dueMs;
  }

  #leave(slot: number, session: SessionCounts): W {
    const waiter = this.#waiters[slot] as W;
    this.#waiters[slot] = undefined;
    session.nexts -= 1;
    return waiter;
  }
}
