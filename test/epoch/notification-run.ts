import assert from "node:assert/strict";
import { NOTIFICATION_ACTION } from "../../src/epoch/notification-actions.ts";
import * as entries from "../../src/epoch/notification-entry.ts";
import type { NotificationLimits } from "../../src/epoch/notification-limits.ts";
import type { QueueClaim } from "../../src/epoch/notification-queue.ts";
import type { NotificationTable } from "../../src/epoch/notification-table.ts";
import type { Run } from "./every-state.ts";
import {
  type Asked,
  type Asker,
  keyOf,
  letsIn,
  type ModelQueue,
  NotificationModel,
  roomOf,
  type Sent,
} from "./notification-model.ts";
import { takeAnswers } from "./take-answers.ts";

export const TICK_MS = 250;
const KINDS = Object.keys(NOTIFICATION_ACTION);

/** Accesses of many lengths that begin with a byte, or end in front of one: so each can be told by its length. */
export interface Access {
  readonly region: string;
  readonly edge: "begins" | "ends";
  readonly at: number;
  readonly tag: number;
}

/** What there is to be opened, and to be accessed. Sessions are numbers, and sources as well. */
export interface Setting {
  readonly limits: NotificationLimits;
  /** Who notifies. */
  readonly producers: readonly number[];
  readonly claims: readonly QueueClaim[];
  readonly accesses: readonly Access[];
}

export type Event =
  | { readonly kind: "open" | "close"; readonly queue: number }
  | { readonly kind: "notify"; readonly session: number; readonly access: number }
  | { readonly kind: "next"; readonly queue: number; readonly entriesMax: number; readonly waitTicks: number }
  | { readonly kind: "unbind"; readonly session: number; readonly handle: number }
  | { readonly kind: "disconnect" | "crash"; readonly session: number }
  | { readonly kind: "tick" };

/**
 * The table beside a naive model: every event must lead to the answers that the model expects, and to nothing else. What must
 * always hold is checked by itself as well, so that it is named.
 */
export class NotificationRun implements Run<Event> {
  readonly table: NotificationTable<Asker>;
  readonly model: NotificationModel;
  readonly setting: Setting;
  now = 0;
  checks = true;
  /** Sessions that have ended, and those whose connection has. */
  readonly crashed = new Set<number>();
  readonly disconnected = new Set<number>();
  /** Answers by kind. */
  readonly tally: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  readonly #sent: Sent[] = [];
  readonly #askers: Asker[] = [];

  constructor(table: NotificationTable<Asker>, setting: Setting) {
    this.table = table;
    this.setting = setting;
    this.model = new NotificationModel(setting.limits);
  }

  isOpen(queue: number): boolean {
    return this.queueOf(queue) !== undefined;
  }

  queueOf(queue: number): ModelQueue | undefined {
    const { session, id } = this.claim(queue);
    return this.model.queues.get(keyOf(session, id));
  }

  claim(queue: number): QueueClaim {
    return this.setting.claims[queue] as QueueClaim;
  }

  apply(event: Event): void {
    const { model, table } = this;
    model.expected.clear();
    switch (event.kind) {
      case "open":
        this.#open(this.claim(event.queue));
        break;
      case "close": {
        const { session, id } = this.claim(event.queue);
        const isThere = this.isOpen(event.queue);
        model.close((claim) => claim.session === session && claim.id === id);
        assert.equal(table.close(session, id), isThere, "close knows it");
        break;
      }
      case "notify":
        this.#notify(event.session, event.access);
        break;
      case "next":
        this.#next(event.queue, event.entriesMax, event.waitTicks);
        break;
      case "unbind":
        model.close(({ session, handle }) => session === event.session && handle === event.handle);
        table.closeHandle(event.session, event.handle);
        break;
      case "disconnect":
        this.disconnected.add(event.session);
        model.endWaits(event.session);
        table.endWaits(event.session);
        break;
      case "crash":
        this.crashed.add(event.session);
        model.endWaits(event.session);
        model.close(({ session }) => session === event.session);
        table.endSession(event.session);
        break;
      default:
        this.now += 1;
        model.expire(this.now);
        table.expire(this.now * TICK_MS);
    }
    // In one line, that is; who ends several ends them one by one.
    this.#takeActions(event.kind !== "crash" && event.kind !== "unbind");
    if (this.checks) this.#check();
  }

  #open(claim: QueueClaim): void {
    const asker: Asker = { what: "open", answer: undefined };
    this.#askers.push(asker);
    this.model.open(asker, claim);
    this.table.open(claim, asker);
  }

  #notify(session: number, access: number): void {
    const sent = this.#sentOf(session, access);
    this.#sent.push(sent);
    this.#askers.push(sent);
    const { region, at, length, tag } = sent;
    const isAccepted = this.table.accepts(region, session, at, length, session, tag);
    assert.equal(isAccepted, !this.model.isRefused(sent), "what will be refused is said before");
    this.model.notify(sent);
    this.table.notify(region, session, at, length, session, tag, sent);
  }

  #sentOf(session: number, access: number): Sent {
    const { region, edge, at, tag } = this.setting.accesses[access] as Access;
    const number = this.#sent.length;
    const length = number + 1;
    const from = edge === "begins" ? at : at - length;
    const { answer, queues } = { answer: undefined, queues: [] };
    return { what: "notify", number, session, region, at: from, length, tag, queues, answer };
  }

  #next(queue: number, entriesMax: number, waitTicks: number): void {
    const { session, id } = this.claim(queue);
    const deadline = this.now + waitTicks;
    const asked: Asked = { what: "next", entriesMax, deadline, answer: undefined };
    this.#askers.push(asked);
    this.model.next(asked, session, id, this.now);
    this.table.next(session, id, entriesMax, waitTicks * TICK_MS, asked, this.now * TICK_MS);
  }

  #takeActions(isOrdered: boolean): void {
    let last = -1;
    takeAnswers(
      this.table.actions,
      this.model.expected,
      (i) => this.#said(i),
      (asker, answer) => {
        if (answer !== "NOTIFIED" || !isOrdered) return;
        assert.ok((asker as Sent).number > last, "who came first is let in first");
        last = (asker as Sent).number;
      },
    );
    this.table.actions.clear();
  }

  #said(i: number): string {
    const { kinds, counts } = this.table.actions;
    const kind = KINDS[kinds[i] as number] as string;
    this.tally[kind] = (this.tally[kind] as number) + 1;
    if (kind === "ENTRIES") return `ENTRIES ${this.#entries(i).join(" ")}`;
    return kind === "COUNT" ? `COUNT ${counts[i]}` : kind;
  }

  /** The entries of an answer, each of which must be just as it was sent. */
  #entries(i: number): string[] {
    const { entries: words, entriesAt, counts } = this.table.actions;
    return Array.from({ length: counts[i] as number }, (_, nth) => {
      const at = (entriesAt[i] as number) + nth * entries.ENTRY_WORDS;
      const length = entries.entryLength(words, at);
      const sent = this.#sent[length - 1];
      assert.deepEqual(
        [entries.entryAt(words, at), entries.entrySource(words, at), entries.entryTag(words, at)],
        [sent?.at, sent?.session, sent?.tag],
        "an entry is as it was sent",
      );
      return `${sent?.number}@${entries.entrySequence(words, at)}`;
    });
  }

  #check(): void {
    const { model, table } = this;
    for (const sent of model.waiting) {
      const isFull = ({ isOpen, claim, line }: ModelQueue): boolean =>
        isOpen && line.indexOf(sent) >= roomOf(claim);
      assert.ok(sent.queues.some(isFull), "somebody waits for nothing");
      assert.ok(!this.crashed.has(sent.session), "nobody waits whose session has ended");
    }
    for (const { deadline } of model.nexts) {
      assert.ok(deadline > this.now, "a wait outlasts its time");
      assert.ok(table.dueMs <= deadline * TICK_MS, "a wait's time is known");
    }
    const claims = [...model.queues.values()].map(({ claim }) => claim);
    const held = claims
      .filter(({ kind }) => kind === "list")
      .reduce((sum, { capacity }) => sum + capacity, 0);
    assert.equal(table.queueCount, claims.length, "queues are counted");
    assert.equal(table.entriesCount, held, "what queues can hold is counted");
    assert.equal(table.waitingCount, model.waits(), "who waits for room is counted");
    assert.equal(table.nextsCount, model.nexts.length, "who waits for a notification is counted");
  }

  /**
   * Consumers take all that there is, and time passes: then everybody has been answered, and each queue has all its room and
   * each session all its waits again. Then all sessions end, and nothing is left.
   */
  finish(): void {
    const { producers, claims } = this.setting;
    this.#settle();
    assert.equal(this.table.waitingCount, 0, "all that waited was let in");
    const producer = producers.find((session) => !this.crashed.has(session));
    if (producer !== undefined) {
      for (const [queue, { session }] of claims.entries()) {
        if (this.crashed.has(session)) continue;
        if (!this.isOpen(queue)) this.apply({ kind: "open", queue });
        if (this.isOpen(queue)) this.#useAll(queue, producer);
      }
    }
    const sessions = [...producers, ...claims.map(({ session }) => session)];
    for (const session of new Set(sessions)) {
      if (!this.crashed.has(session)) this.apply({ kind: "crash", session });
    }
    assert.equal(this.table.sessionCount, 0, "nothing is left of sessions");
    assert.ok(
      this.#askers.every(({ answer }) => answer !== undefined),
      "everybody was answered",
    );
  }

  #settle(): void {
    for (const queue of this.setting.claims.keys()) {
      for (let rounds = 0; (this.queueOf(queue)?.line.length ?? 0) > 0; rounds += 1) {
        assert.ok(rounds < 1000, "taking makes room");
        this.apply({ kind: "next", queue, entriesMax: 64, waitTicks: 0 });
      }
    }
    while (this.model.nexts.length > 0) this.apply({ kind: "tick" });
  }

  /** Waits for as many notifications as one may, then sends what there is room for, and then as many as may wait for it. */
  #useAll(queue: number, session: number): void {
    const { limits, accesses } = this.setting;
    const next = { kind: "next", queue, entriesMax: 1, waitTicks: 1 } as const;
    const nexts = this.#timesUntilRefused(next);
    assert.equal(nexts, Math.min(limits.sessionNextsMax, limits.nextsMax), "nexts are back to their number");
    this.#settle();
    const isOnlyThere = (_: Access, access: number): boolean => {
      const sent = this.#sentOf(session, access);
      const open = [...this.model.queues.values()].filter(({ claim }) => letsIn(claim, sent));
      return open.length === 1 && open[0] === this.queueOf(queue);
    };
    const access = accesses.findIndex(isOnlyThere);
    const { kind, capacity } = this.claim(queue);
    if (access < 0 || kind !== "list") return;
    const sent = this.#timesUntilRefused({ kind: "notify", session, access });
    const waits = Math.min(limits.sessionWaitsMax, limits.waitsMax);
    assert.equal(sent, capacity + waits, "credits are back to their number");
    this.#settle();
  }

  #timesUntilRefused(event: Event): number {
    for (let times = 0; ; times += 1) {
      this.apply(event);
      if (this.#askers.at(-1)?.answer === "REFUSED") return times;
    }
  }
}
