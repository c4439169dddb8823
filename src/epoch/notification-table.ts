import { NOTIFICATION_ACTION, NotificationActions } from "./notification-actions.ts";
import { ENTRY_WORDS, encodeEntry } from "./notification-entry.ts";
import { NOTIFICATION_LIMITS, type NotificationLimits, type SessionCounts } from "./notification-limits.ts";
import { NotificationNexts } from "./notification-nexts.ts";
import { NotificationQueue, type QueueClaim } from "./notification-queue.ts";
import { NotificationWaits, type WaitingNotification } from "./notification-waits.ts";
import { NOBODY } from "./slot-lines.ts";

interface Session extends SessionCounts {
  readonly queues: Map<number, NotificationQueue>;
}

/**
 * The notification queues of all regions of one home: what lies in them, who waits for room, and who for a notification. A
 * pure state machine: its methods are the events, those that time matters to with the time; what comes of one is in
 * `actions`, which its caller carries out and clears.
 *
 * At each queue all stand in one line, in the order of coming: so what one session sends stays in order, what somebody was
 * told of comes behind it, and nobody starves. Between queues there is no order: one that is full holds up those whom its
 * own session let in, and nobody else. A notification that waits has no deadline of its own: it is there once its queue has
 * room, or ends with the queue or with its session, each of which has a lease.
 *
 * Who waits finds his place made, 1.3 MB in all: so a home makes a table when somebody first opens a queue.
 */
export class NotificationTable<W> {
  readonly actions: NotificationActions<W>;
  /** Entries that all queues can hold. */
  entriesCount = 0;
  queueCount = 0;
  readonly #limits: NotificationLimits;
  readonly #sessions = new Map<number, Session>();
  /** In the order of opening; no region without one. */
  readonly #regions = new Map<string, NotificationQueue[]>();
  readonly #waits: NotificationWaits<W>;
  readonly #nexts: NotificationNexts<W>;
  /** The notification that has just come, as an entry. */
  readonly #entry = new Int32Array(ENTRY_WORDS);
  /** No wait ends before. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(limits: NotificationLimits = NOTIFICATION_LIMITS) {
    this.#limits = limits;
    this.actions = new NotificationActions(limits);
    this.#waits = new NotificationWaits(limits.waitsMax);
    this.#nexts = new NotificationNexts(limits.nextsMax);
  }

  /** When `expire` is to be called though nothing happened. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Places in which notifications wait for room: one for each queue that has none. */
  get waitingCount(): number {
    return this.#waits.count;
  }

  /** Commands that wait for a notification. */
  get nextsCount(): number {
    return this.#nexts.count;
  }

  /** Sessions that something is kept of, until they end. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** The sources that somebody is told of still, or asks for. Looks at all that lies in queues or waits. */
  sources(): Set<number> {
    const found = new Set<number>();
    this.#waits.addSources(found);
    for (const queues of this.#regions.values()) for (const queue of queues) queue.addSources(found);
    return found;
  }

  open(claim: QueueClaim, waiter: W): void {
    const session = this.#sessions.get(claim.session);
    const queues = this.#regions.get(claim.region);
    const refusal = this.#refusal(claim, session, queues?.length ?? 0);
    if (refusal !== undefined) {
      this.actions.push(refusal, waiter);
      return;
    }
    const owner = session ?? this.#begin(claim.session);
    const queue = new NotificationQueue(claim, owner, this.#limits.countMax);
    owner.queues.set(claim.id, queue);
    if (queues === undefined) this.#regions.set(claim.region, [queue]);
    else queues.push(queue);
    this.queueCount += 1;
    this.entriesCount += queue.capacity;
    owner.entries += queue.capacity;
    this.actions.push(NOTIFICATION_ACTION.OPENED, waiter);
  }

  /** The session's queue of that number. */
  queueOf(session: number, id: number): NotificationQueue | undefined {
    return this.#sessions.get(session)?.queues.get(id);
  }

  /** How many queues there are at that region. */
  queuesAt(region: string): number {
    return this.#regions.get(region)?.length ?? 0;
  }

  #refusal(claim: QueueClaim, session: Session | undefined, regionQueues: number): number | undefined {
    const limits = this.#limits;
    const { queues, entries = 0 } = session ?? {};
    if (queues?.has(claim.id) === true) return NOTIFICATION_ACTION.REPEATED;
    const isList = claim.kind === "list";
    const capacity = isList ? claim.capacity : 0;
    const isTooMuch =
      (isList && capacity < 1) ||
      (queues?.size ?? 0) >= limits.sessionQueuesMax ||
      regionQueues >= limits.regionQueuesMax ||
      this.queueCount >= limits.queuesMax ||
      capacity > limits.queueEntriesMax ||
      entries + capacity > limits.sessionEntriesMax ||
      this.entriesCount + capacity > limits.entriesMax;
    return isTooMuch ? NOTIFICATION_ACTION.REFUSED : undefined;
  }

  #begin(number: number): Session {
    const session = { queues: new Map(), entries: 0, waits: 0, nexts: 0 };
    this.#sessions.set(number, session);
    return session;
  }

  /** True where `notify` will not refuse the access. To be asked before bytes are moved, so that a refusal changes nothing. */
  accepts(region: string, session: number, at: number, length: number, source: number, tag: number): boolean {
    const queues = this.#regions.get(region);
    return queues === undefined || this.#mayWait(queues, session, at, endOf(at, length), source, tag);
  }

  #mayWait(
    queues: readonly NotificationQueue[],
    session: number,
    at: number,
    end: number,
    source: number,
    tag: number,
  ): boolean {
    const taken = this.#sessions.get(session)?.waits ?? 0;
    const places = Math.min(this.#limits.sessionWaitsMax - taken, this.#waits.freeCount);
    if (queues.length <= places) return true;
    let needed = 0;
    for (let i = 0; i < queues.length; i += 1) {
      const queue = queues[i] as NotificationQueue;
      if (!queue.hasRoom && queue.matches(at, end, source, tag)) needed += 1;
    }
    return needed <= places;
  }

  /**
   * An access has put its bytes: whoever it matches may know. One of no bytes is a sign at `at`.
   * @param session whose access it was @param source as queues see it @param before bytes of it that came in parts before
   */
  notify(
    region: string,
    session: number,
    at: number,
    length: number,
    source: number,
    tag: number,
    waiter: W,
    before = 0,
  ): void {
    const queues = this.#regions.get(region);
    if (queues === undefined) {
      this.actions.push(NOTIFICATION_ACTION.NOTIFIED, waiter);
      return;
    }
    const end = endOf(at, length);
    if (!this.#mayWait(queues, session, at, end, source, tag)) {
      this.actions.push(NOTIFICATION_ACTION.REFUSED, waiter);
      return;
    }
    encodeEntry(this.#entry, 0, at, length, source, tag, before);
    let waiting: WaitingNotification<W> | undefined;
    for (let i = 0; i < queues.length; i += 1) {
      const queue = queues[i] as NotificationQueue;
      if (!queue.matches(at, end, source, tag)) continue;
      if (queue.hasRoom) {
        queue.put(this.#entry, 0);
        if (queue.nexts.first !== NOBODY) this.#wakeFirst(queue);
      } else {
        waiting ??= this.#waits.begin(this.#sessions.get(session) ?? this.#begin(session), waiter);
        this.#waits.join(queue.waits, waiting, this.#entry, 0);
      }
    }
    if (waiting === undefined) this.actions.push(NOTIFICATION_ACTION.NOTIFIED, waiter);
  }

  #wakeFirst(queue: NotificationQueue): void {
    const entriesMax = this.#nexts.firstEntriesMax(queue.nexts);
    const waiter = this.#nexts.leaveFirst(queue.nexts, queue.counts);
    this.#give(queue, waiter, entriesMax);
  }

  /** Answers with what lies in the queue, which is something. */
  #give(queue: NotificationQueue, waiter: W, entriesMax: number): void {
    const { actions } = this;
    if (queue.isList) {
      actions.pushEntries(waiter, queue.take(actions.entries, actions.entriesEnd, entriesMax));
    } else actions.push(NOTIFICATION_ACTION.COUNT, waiter, queue.takeCount());
  }

  /**
   * Asks for what lies in a queue, or for the next notification.
   * @param entriesMax of a list: how many entries to take at most @param waitMs how long it may wait; 0: not at all
   */
  next(session: number, id: number, entriesMax: number, waitMs: number, waiter: W, nowMs: number): void {
    const queue = this.queueOf(session, id);
    if (queue === undefined) {
      this.actions.push(NOTIFICATION_ACTION.UNKNOWN, waiter);
      return;
    }
    const most = Math.max(1, Math.min(entriesMax, this.#limits.answerEntriesMax));
    if (queue.size > 0) {
      this.#give(queue, waiter, most);
      this.#letIn(queue);
    } else if (waitMs <= 0) this.actions.push(NOTIFICATION_ACTION.TIMED_OUT, waiter);
    else if (queue.counts.nexts >= this.#limits.sessionNextsMax || this.#nexts.freeCount === 0)
      this.actions.push(NOTIFICATION_ACTION.REFUSED, waiter);
    else {
      this.#nexts.join(queue.nexts, queue.counts, waiter, most, nowMs + waitMs);
      this.#dueMs = Math.min(this.#dueMs, nowMs + waitMs);
    }
  }

  /** Something came to the queue's reader by another way: whoever waits is told that nothing came by this one. */
  wake(queue: NotificationQueue): void {
    this.#endNexts(queue, NOTIFICATION_ACTION.TIMED_OUT);
  }

  /** Those who waited for the room that there is now. */
  #letIn(queue: NotificationQueue): void {
    const { waits } = queue;
    while (queue.hasRoom && waits.first !== NOBODY) {
      queue.put(this.#waits.entries, this.#waits.firstEntry(waits));
      const waiting = this.#waits.leaveFirst(waits);
      if (waiting.left === 0) this.#endWait(waiting, NOTIFICATION_ACTION.NOTIFIED);
    }
  }

  #endWait(waiting: WaitingNotification<W>, kind: number): void {
    this.actions.push(kind, this.#waits.end(waiting));
  }

  /** Ends a queue, and what lies in it. @returns whether there was one */
  close(session: number, id: number): boolean {
    const owner = this.#sessions.get(session);
    const queue = owner?.queues.get(id);
    if (owner === undefined || queue === undefined) return false;
    this.#close(owner, queue);
    return true;
  }

  /** The session's window has gone, and its queues with it. What waits for room was put while it was there: that stays. */
  closeHandle(session: number, handle: number): void {
    const owner = this.#sessions.get(session);
    if (owner === undefined) return;
    for (const queue of [...owner.queues.values()]) {
      if (queue.claim.handle === handle) this.#close(owner, queue);
    }
  }

  #close(owner: Session, queue: NotificationQueue): void {
    const { region, id } = queue.claim;
    const queues = this.#regions.get(region) as NotificationQueue[];
    queues.splice(queues.indexOf(queue), 1);
    if (queues.length === 0) this.#regions.delete(region);
    owner.queues.delete(id);
    this.queueCount -= 1;
    this.entriesCount -= queue.capacity;
    owner.entries -= queue.capacity;
    this.#endNexts(queue, NOTIFICATION_ACTION.CLOSED);
    this.#waits.leaveAll(queue.waits, undefined, (waiting) =>
      this.#endWait(waiting, NOTIFICATION_ACTION.NOTIFIED),
    );
  }

  #endNexts(queue: NotificationQueue, kind: number): void {
    this.#nexts.leaveDue(queue.nexts, queue.counts, Number.POSITIVE_INFINITY, (waiter) =>
      this.actions.push(kind, waiter),
    );
  }

  /** The session's connection has ended: it waits for nothing any more. Its queues stay, and what lies in any. */
  endWaits(session: number): void {
    const owner = this.#sessions.get(session);
    if (owner === undefined) return;
    for (const queue of owner.queues.values()) this.#endNexts(queue, NOTIFICATION_ACTION.CANCELLED);
    if (owner.waits === 0) return;
    for (const queues of this.#regions.values()) {
      for (const { waits } of queues) {
        this.#waits.leaveAll(waits, owner, (waiting) =>
          this.#endWait(waiting, NOTIFICATION_ACTION.CANCELLED),
        );
      }
    }
  }

  /** Nothing is left of the session: first what it waits for, so that none of that is let in; then its queues. */
  endSession(session: number): void {
    const owner = this.#sessions.get(session);
    if (owner === undefined) return;
    this.endWaits(session);
    for (const queue of [...owner.queues.values()]) this.#close(owner, queue);
    this.#sessions.delete(session);
  }

  /** Ends the waits for a notification whose time has come. */
  expire(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const queues of this.#regions.values()) {
      for (const queue of queues) {
        const nextMs = this.#nexts.leaveDue(queue.nexts, queue.counts, nowMs, (waiter) =>
          this.actions.push(NOTIFICATION_ACTION.TIMED_OUT, waiter),
        );
        dueMs = Math.min(dueMs, nextMs);
      }
    }
    this.#dueMs = dueMs;
  }
}

/** The first byte behind an access; one of no bytes counts as one of the byte where it is. */
function endOf(at: number, length: number): number {
  return at + Math.max(length, 1);
}
