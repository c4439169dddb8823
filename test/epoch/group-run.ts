import assert from "node:assert/strict";
import type { GroupClaim } from "../../src/epoch/group.ts";
import { GROUP_ACTION } from "../../src/epoch/group-actions.ts";
import type { GroupLimits } from "../../src/epoch/group-limits.ts";
import type { GroupTable } from "../../src/epoch/group-table.ts";
import type { Run } from "./every-state.ts";
import { type Asker, GroupModel, type Life, memberOf } from "./group-model.ts";
import { takeAnswers } from "./take-answers.ts";

export const TICK_MS = 250;
const KINDS = Object.keys(GROUP_ACTION);
/** Of a group that there never was. */
const NO_NUMBER = 2 ** 32;

export type Event =
  | ({ readonly kind: "join"; readonly waitTicks: number } & GroupClaim)
  | {
      readonly kind: "barrier";
      readonly session: number;
      readonly name: string;
      /** The life of the group whose number the session was told last, or the one before, or that it thinks comes next. */
      readonly life: "last" | "before" | "guessed";
      /** How far from the one that is due. */
      readonly roundOff: number;
      readonly waitTicks: number;
    }
  | { readonly kind: "leave"; readonly session: number; readonly name: string }
  | { readonly kind: "disconnect" | "crash"; readonly session: number }
  | { readonly kind: "tick" };

/**
 * The table beside a naive model: every event must lead to the answers that the model expects, and to nothing else. What must
 * always hold is checked by itself as well, so that it is named.
 */
export class GroupRun implements Run<Event> {
  readonly table: GroupTable<Asker>;
  readonly model: GroupModel;
  now = 0;
  checks = true;
  readonly crashed = new Set<number>();
  readonly disconnected = new Set<number>();
  /** By session and name: the numbers that it was told. */
  readonly told = new Map<string, number[]>();
  /** Answers by kind. */
  readonly tally: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  readonly #limits: GroupLimits;
  readonly #askers: Asker[] = [];
  readonly #numbers = new Map<number, Life>();
  /** Sessions that have come to the barrier, by life. */
  readonly #arrivals = new Map<Life, Set<number>>();

  constructor(table: GroupTable<Asker>, limits: GroupLimits) {
    this.table = table;
    this.#limits = limits;
    this.model = new GroupModel(limits);
  }

  apply(event: Event): void {
    this.model.expected.clear();
    // What joins is told which life it is of only when all have come, and that may be gone again.
    const lives = new Set(this.model.lives.values());
    this.#step(event);
    for (const life of this.model.lives.values()) lives.add(life);
    this.#takeActions(lives);
    if (this.checks) this.#check();
  }

  #step(event: Event): void {
    const { model, table } = this;
    switch (event.kind) {
      case "join":
        this.#join(event, event.waitTicks);
        break;
      case "barrier":
        this.#barrier(event);
        break;
      case "leave": {
        const life = model.lives.get(event.name);
        const isMember = life !== undefined && memberOf(life, event.session) !== undefined;
        if (life !== undefined) model.leave(event.session, life);
        assert.equal(table.leave(event.session, event.name), isMember, "leave knows it");
        break;
      }
      case "disconnect":
        this.disconnected.add(event.session);
        for (const life of model.livesOf(event.session)) {
          if (memberOf(life, event.session)?.wait !== undefined) model.leave(event.session, life);
        }
        table.endWaits(event.session);
        break;
      case "crash":
        this.crashed.add(event.session);
        for (const life of model.livesOf(event.session)) model.leave(event.session, life);
        table.endSession(event.session);
        break;
      default:
        this.now += 1;
        model.expire(this.now);
        table.expire(this.now * TICK_MS);
    }
  }

  #join({ session, name, size, rank }: GroupClaim, waitTicks: number): void {
    const asker: Asker = { what: "join", session, answer: undefined };
    this.#askers.push(asker);
    const claim = { session, name, size, rank };
    this.model.join(asker, claim, this.now + waitTicks, this.now);
    this.table.join(claim, waitTicks * TICK_MS, asker, this.now * TICK_MS);
  }

  #barrier({ session, name, life, roundOff, waitTicks }: Extract<Event, { kind: "barrier" }>): void {
    const { model, now } = this;
    const told = this.told.get(`${session}.${name}`) ?? [];
    const number =
      life === "guessed" ? this.#numbers.size : (told.at(life === "last" ? -1 : -2) ?? NO_NUMBER);
    const meant = this.#numbers.get(number);
    const asker: Asker = { what: "barrier", session, life: meant, answer: undefined };
    this.#askers.push(asker);
    const round = (meant?.round ?? 0) + roundOff;
    model.barrier(asker, number, roundOff === 0, { deadline: now + waitTicks, now });
    this.table.barrier(session, number, round, waitTicks * TICK_MS, asker, now * TICK_MS);
    const { waiters, kinds } = this.table.actions;
    const own = waiters.indexOf(asker);
    const hasCome = own < 0 || kinds[own] === GROUP_ACTION.PASSED;
    if (meant === undefined || !hasCome) return;
    this.#arrivals.set(meant, (this.#arrivals.get(meant) ?? new Set()).add(session));
  }

  #takeActions(lives: ReadonlySet<Life>): void {
    const { actions } = this.table;
    takeAnswers(
      actions,
      this.model.expected,
      (i) => this.#said(i),
      (asker, answer, i) => {
        if (answer === "PASSED") {
          const sessions = this.#arrivals.get(asker.life as Life)?.size;
          assert.equal(sessions, asker.life?.size, "nobody passes before all have come");
        }
        if (answer.startsWith("JOINED")) this.#hears(asker, actions.groups[i] as number, lives);
      },
    );
    // A round is over for all: whoever came before it has not come to the next one.
    for (let i = 0; i < actions.count; i += 1) {
      if (actions.kinds[i] === GROUP_ACTION.PASSED) this.#arrivals.delete(actions.waiters[i]?.life as Life);
    }
    actions.clear();
  }

  #said(i: number): string {
    const { kinds, ranks, sizes } = this.table.actions;
    const kind = KINDS[kinds[i] as number] as string;
    this.tally[kind] = (this.tally[kind] as number) + 1;
    if (kind === "JOINED") return `${kind} ${ranks[i]}/${sizes[i]}`;
    return kind === "BROKEN" ? `${kind} ${ranks[i]}` : kind;
  }

  #hears({ session }: Asker, number: number, lives: ReadonlySet<Life>): void {
    const own = [...lives].filter((life) => life.isComplete && memberOf(life, session) !== undefined);
    const life = own.find((one) => one.number === undefined || one.number === number) as Life;
    assert.ok(life !== undefined, "all members are told the same number");
    const known = this.#numbers.get(number);
    assert.ok(known === undefined || known === life, "no two lives have the same number");
    life.number = number;
    this.#numbers.set(number, life);
    const key = `${session}.${life.name}`;
    const told = this.told.get(key) ?? [];
    this.told.set(key, [...told, number]);
  }

  #check(): void {
    const { model, table } = this;
    for (const { deadline } of model.waits) {
      assert.ok(deadline > this.now, "a wait outlasts its time");
      assert.ok(table.dueMs <= deadline * TICK_MS, "a wait's time is known");
    }
    for (const { isComplete, brokenBy, members } of model.lives.values()) {
      const waits = members.filter(({ wait }) => wait !== undefined).length;
      if (brokenBy !== undefined) assert.equal(waits, 0, "nobody waits in a group that has ended");
      else assert.equal(isComplete ? waits < members.length : waits === members.length, true);
    }
    const sessions = new Set(
      [...model.lives.values()].flatMap(({ members }) => members.map(({ session }) => session)),
    );
    assert.equal(table.groupCount, model.lives.size, "groups are counted");
    assert.equal(table.placeCount, model.places, "members are counted");
    assert.equal(table.waitingCount, model.waits.length, "who waits is counted");
    assert.equal(table.sessionCount, sessions.size, "sessions are counted");
  }

  /**
   * Time passes until nobody waits, all leave, and nothing is left. Then others use each name, and as many as may: all
   * that there may be is free again.
   */
  finish(): void {
    for (let ticks = 0; this.model.waits.length > 0; ticks += 1) {
      assert.ok(ticks < 100, "all waits end");
      this.apply({ kind: "tick" });
    }
    const names = [...this.model.lives.keys()];
    for (const name of names) {
      for (const { session, rank } of [...(this.model.lives.get(name)?.members ?? [])]) {
        this.apply(rank % 2 === 0 ? { kind: "leave", session, name } : { kind: "crash", session });
      }
    }
    assert.equal(this.table.groupCount, 0, "nothing is left of groups");
    this.#useAll(names.length > 0 ? names : ["another"]);
    assert.ok(
      this.#askers.every(({ answer }) => answer !== undefined),
      "everybody was answered",
    );
  }

  /** Sessions that nobody has seen before fill groups, pass two barriers, and end. */
  #useAll(names: readonly string[]): void {
    const { sizeMax, membersMax, groupsMax } = this.#limits;
    const groups = Math.min(groupsMax, Math.floor(membersMax / sizeMax));
    const all = Array.from({ length: groups }, (_, i) => names[i] ?? `${i}`);
    const sessions = Array.from({ length: sizeMax }, (_, i) => 100 + i);
    for (const [i, name] of all.entries()) {
      const own = sessions.map((session) => session + i * sizeMax);
      for (const session of own)
        this.apply({ kind: "join", session, name, size: sizeMax, rank: -1, waitTicks: 1 });
      for (const _ of [1, 2]) {
        for (const session of own)
          this.apply({ kind: "barrier", session, name, life: "last", roundOff: 0, waitTicks: 1 });
      }
      assert.deepEqual(
        this.#askers.slice(-sizeMax).map(({ answer }) => answer),
        sessions.map(() => "PASSED"),
        "what is made anew works",
      );
    }
    for (const i of all.keys()) {
      for (const session of sessions) this.apply({ kind: "crash", session: session + i * sizeMax });
    }
    const { groupCount, placeCount, waitingCount, sessionCount } = this.table;
    assert.deepEqual([groupCount, placeCount, waitingCount, sessionCount], [0, 0, 0, 0], "nothing is left");
  }
}
