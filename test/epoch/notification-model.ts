import type { NotificationLimits } from "../../src/epoch/notification-limits.ts";
import type { QueueClaim } from "../../src/epoch/notification-queue.ts";

/** Whoever waits for an answer, and what he got. */
export interface Asker {
  readonly what: "open" | "notify" | "next";
  answer: string | undefined;
}

export interface Sent extends Asker {
  readonly what: "notify";
  /** All that notify are numbered, in the order of coming. */
  readonly number: number;
  readonly session: number;
  readonly region: string;
  readonly at: number;
  readonly length: number;
  readonly tag: number;
  /** Queues that let it in when it came. */
  readonly queues: ModelQueue[];
}

export interface Asked extends Asker {
  readonly what: "next";
  readonly entriesMax: number;
  /** Ticks. */
  readonly deadline: number;
}

/** One life of a queue. */
export interface ModelQueue {
  readonly claim: QueueClaim;
  isOpen: boolean;
  /** What came and was not taken, in order: the first ones, as many as there is room for, are in, and the others wait. */
  line: Sent[];
  /** Entries that were taken. */
  taken: number;
  nexts: Asked[];
}

/** What one queue has room for: a counting one for all. */
export function roomOf({ kind, capacity }: QueueClaim): number {
  return kind === "list" ? capacity : Number.POSITIVE_INFINITY;
}

/** True where a byte of the access lies in the range, or its place if it has none, and the filter lets it in. */
export function letsIn(claim: QueueClaim, sent: Omit<Sent, "queues">): boolean {
  const { region, at, length, session, tag } = sent;
  const bytes = Math.min(at + Math.max(length, 1), claim.end) - Math.max(at, claim.at);
  const fits = (asked: number, has: number): boolean => asked < 0 || asked === has;
  return region === claim.region && bytes > 0 && fits(claim.source, session) && fits(claim.tag, tag);
}

/** Queues as a naive person would keep them: what is in and what waits is told from where it stands in one list. */
export class NotificationModel {
  /** Answers that the last event must lead to. */
  readonly expected = new Map<Asker, string>();
  readonly queues = new Map<string, ModelQueue>();
  /** Those that have no answer yet. */
  waiting: Sent[] = [];
  readonly #limits: NotificationLimits;

  constructor(limits: NotificationLimits) {
    this.#limits = limits;
  }

  get nexts(): Asked[] {
    return [...this.queues.values()].flatMap(({ nexts }) => nexts);
  }

  /** Places in lines behind what there is room for, of one session or of all. */
  waits(session?: number): number {
    return [...this.queues.values()]
      .flatMap(({ claim, line }) => line.slice(roomOf(claim)))
      .filter((sent) => session === undefined || sent.session === session).length;
  }

  open(asker: Asker, claim: QueueClaim): void {
    const { session, region, capacity, kind } = claim;
    const claims = [...this.queues.values()].map((queue) => queue.claim);
    const own = claims.filter((other) => other.session === session);
    const there = claims.filter((other) => other.region === region);
    const held = (of: readonly QueueClaim[]): number =>
      of.filter((one) => one.kind === "list").reduce((sum, one) => sum + one.capacity, 0);
    const limits = this.#limits;
    const isTooMuch =
      own.length >= limits.sessionQueuesMax ||
      there.length >= limits.regionQueuesMax ||
      claims.length >= limits.queuesMax ||
      (kind === "list" &&
        (capacity > limits.queueEntriesMax ||
          held(own) + capacity > limits.sessionEntriesMax ||
          held(claims) + capacity > limits.entriesMax));
    if (own.some(({ id }) => id === claim.id)) this.expected.set(asker, "REPEATED");
    else if (isTooMuch) this.expected.set(asker, "REFUSED");
    else {
      this.queues.set(keyOf(session, claim.id), { claim, isOpen: true, line: [], taken: 0, nexts: [] });
      this.expected.set(asker, "OPENED");
    }
  }

  /** What `sent` would have to wait for, were it to come now. */
  fullFor(sent: Omit<Sent, "queues">): number {
    return [...this.queues.values()].filter(
      ({ claim, line }) => letsIn(claim, sent) && line.length >= roomOf(claim),
    ).length;
  }

  isRefused(sent: Omit<Sent, "queues">): boolean {
    const { sessionWaitsMax, waitsMax } = this.#limits;
    const needed = this.fullFor(sent);
    if (needed === 0) return false;
    return this.waits(sent.session) + needed > sessionWaitsMax || this.waits() + needed > waitsMax;
  }

  notify(sent: Sent): void {
    if (this.isRefused(sent)) {
      this.expected.set(sent, "REFUSED");
      return;
    }
    sent.queues.push(...[...this.queues.values()].filter(({ claim }) => letsIn(claim, sent)));
    for (const { line } of sent.queues) line.push(sent);
    this.waiting.push(sent);
    this.#settle();
  }

  next(asked: Asked, session: number, id: number, now: number): void {
    const queue = this.queues.get(keyOf(session, id));
    const { sessionNextsMax, nextsMax } = this.#limits;
    const own = [...this.queues.values()]
      .filter(({ claim }) => claim.session === session)
      .reduce((sum, { nexts }) => sum + nexts.length, 0);
    if (queue === undefined) this.expected.set(asked, "UNKNOWN");
    else if (queue.line.length > 0) this.#give(queue, asked);
    else if (asked.deadline <= now) this.expected.set(asked, "TIMED_OUT");
    else if (own >= sessionNextsMax || this.nexts.length >= nextsMax) this.expected.set(asked, "REFUSED");
    else queue.nexts.push(asked);
    this.#settle();
  }

  #give(queue: ModelQueue, asked: Asked): void {
    const { claim, line } = queue;
    if (claim.kind === "count") {
      this.expected.set(asked, `COUNT ${Math.min(line.length, this.#limits.countMax)}`);
      line.splice(0);
      return;
    }
    const most = Math.min(asked.entriesMax, claim.capacity, this.#limits.answerEntriesMax);
    const given = line.splice(0, most).map(({ number }, i) => `${number}@${queue.taken + i}`);
    queue.taken += given.length;
    this.expected.set(asked, `ENTRIES ${given.join(" ")}`);
  }

  /** Who need not wait any more is answered. */
  #settle(): void {
    for (const queue of this.queues.values()) {
      while (queue.line.length > 0 && queue.nexts.length > 0) this.#give(queue, queue.nexts.shift() as Asked);
    }
    const isIn = (sent: Sent): boolean =>
      sent.queues.every(
        ({ isOpen, claim, line }) => !isOpen || !line.includes(sent) || line.indexOf(sent) < roomOf(claim),
      );
    for (const sent of this.waiting.filter(isIn)) this.expected.set(sent, "NOTIFIED");
    this.waiting = this.waiting.filter((sent) => !isIn(sent));
  }

  /** Closes those for which `isMeant` is true. */
  close(isMeant: (claim: QueueClaim) => boolean): void {
    for (const [key, queue] of this.queues) {
      if (!isMeant(queue.claim)) continue;
      for (const asked of queue.nexts) this.expected.set(asked, "CLOSED");
      queue.isOpen = false;
      this.queues.delete(key);
    }
    this.#settle();
  }

  endWaits(session: number): void {
    for (const queue of this.queues.values()) {
      if (queue.claim.session === session) {
        for (const asked of queue.nexts.splice(0)) this.expected.set(asked, "CANCELLED");
      }
      const room = roomOf(queue.claim);
      queue.line = queue.line.filter((sent, i) => i < room || sent.session !== session);
    }
    const own = this.waiting.filter((sent) => sent.session === session);
    for (const sent of own) this.expected.set(sent, "CANCELLED");
    this.waiting = this.waiting.filter((sent) => sent.session !== session);
  }

  expire(now: number): void {
    for (const queue of this.queues.values()) {
      for (const asked of queue.nexts) if (asked.deadline <= now) this.expected.set(asked, "TIMED_OUT");
      queue.nexts = queue.nexts.filter(({ deadline }) => deadline > now);
    }
  }
}

export function keyOf(session: number, id: number): string {
  return `${session}.${id}`;
}
