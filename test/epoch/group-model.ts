import { ANY_RANK, type GroupClaim } from "../../src/epoch/group.ts";
import type { GroupLimits } from "../../src/epoch/group-limits.ts";

/** Whoever waits for an answer, and what he got. */
export interface Asker {
  readonly what: "join" | "barrier";
  readonly session: number;
  /** Of a barrier: of which life of the group, where there is one. */
  life?: Life | undefined;
  answer: string | undefined;
}

interface Wait {
  readonly asker: Asker;
  /** Ticks. */
  readonly deadline: number;
}

export interface Joined {
  readonly session: number;
  readonly asked: number;
  rank: number;
  wait: Wait | undefined;
}

/** One life of a name. */
export interface Life {
  readonly name: string;
  readonly size: number;
  members: Joined[];
  isComplete: boolean;
  round: number;
  brokenBy: number | undefined;
  /** As its members have been told. */
  number: number | undefined;
}

/** Groups as a naive person would keep them. */
export class GroupModel {
  /** Answers that the last event must lead to. */
  readonly expected = new Map<Asker, string>();
  readonly lives = new Map<string, Life>();
  readonly #limits: GroupLimits;

  constructor(limits: GroupLimits) {
    this.#limits = limits;
  }

  get waits(): Wait[] {
    return [...this.lives.values()].flatMap(({ members }) =>
      members.flatMap(({ wait }) => (wait === undefined ? [] : [wait])),
    );
  }

  get places(): number {
    return [...this.lives.values()].reduce((sum, { size }) => sum + size, 0);
  }

  livesOf(session: number): Life[] {
    return [...this.lives.values()].filter((life) => memberOf(life, session) !== undefined);
  }

  join(asker: Asker, claim: GroupClaim, deadline: number, now: number): void {
    const life = this.lives.get(claim.name);
    const refusal = this.#refusal(claim, life);
    if (refusal !== undefined) {
      this.expected.set(asker, refusal);
      return;
    }
    const { name, size, session, rank: asked } = claim;
    const isLast = life?.members.length === size - 1;
    if (!isLast && deadline <= now) {
      this.expected.set(asker, "TIMED_OUT");
      return;
    }
    const joined = life ?? {
      name,
      size,
      members: [],
      isComplete: false,
      round: 0,
      brokenBy: undefined,
      number: undefined,
    };
    this.lives.set(name, joined);
    joined.members.push({ session, asked, rank: ANY_RANK, wait: { asker, deadline } });
    if (isLast) this.#complete(joined);
  }

  #refusal({ name, session, size, rank }: GroupClaim, life: Life | undefined): string | undefined {
    const { sizeMax, groupsMax, membersMax, sessionGroupsMax } = this.#limits;
    if (life?.brokenBy !== undefined) return `BROKEN ${life.brokenBy}`;
    if (size < 2 || size > sizeMax || rank >= size || rank < ANY_RANK) return "REFUSED";
    if (life !== undefined) {
      if (memberOf(life, session) !== undefined) return "REPEATED";
      if (life.size !== size) return "MISMATCH";
      const isAsked = rank !== ANY_RANK && life.members.some(({ asked }) => asked === rank);
      if (life.isComplete || isAsked) return "TAKEN";
    }
    if (this.livesOf(session).length >= sessionGroupsMax) return "REFUSED";
    const isOneMore = !this.lives.has(name);
    if (isOneMore && (this.lives.size >= groupsMax || this.places + size > membersMax)) return "REFUSED";
    return undefined;
  }

  #complete(life: Life): void {
    const asked = life.members.map((member) => member.asked);
    const left = Array.from({ length: life.size }, (_, rank) => rank).filter((rank) => !asked.includes(rank));
    for (const member of life.members)
      member.rank = member.asked === ANY_RANK ? (left.shift() as number) : member.asked;
    life.isComplete = true;
    this.#answerAll(life, ({ rank }) => `JOINED ${rank}/${life.size}`);
  }

  #answerAll(life: Life, answer: (member: Joined) => string): void {
    for (const member of life.members) {
      if (member.wait !== undefined) this.expected.set(member.wait.asker, answer(member));
      member.wait = undefined;
    }
  }

  barrier(
    asker: Asker,
    number: number | undefined,
    isDue: boolean,
    { deadline, now }: Record<"deadline" | "now", number>,
  ): void {
    const life = this.livesOf(asker.session).find((one) => one.isComplete && one.number === number);
    const member = life && memberOf(life, asker.session);
    if (life === undefined || member === undefined) this.expected.set(asker, "UNKNOWN");
    else if (life.brokenBy !== undefined) this.expected.set(asker, `BROKEN ${life.brokenBy}`);
    else if (member.wait !== undefined) this.expected.set(asker, "REPEATED");
    else if (!isDue) this.expected.set(asker, "MISMATCH");
    else if (life.members.every((one) => one === member || one.wait !== undefined)) {
      member.wait = { asker, deadline };
      life.round += 1;
      this.#answerAll(life, () => "PASSED");
    } else if (deadline <= now) this.expected.set(asker, "TIMED_OUT");
    else member.wait = { asker, deadline };
  }

  leave(session: number, life: Life, told = "CANCELLED"): void {
    const member = memberOf(life, session);
    if (member === undefined) return;
    if (member.wait !== undefined) this.expected.set(member.wait.asker, told);
    life.members = life.members.filter((one) => one !== member);
    if (life.isComplete) this.#break(life, member.rank);
    if (life.members.length === 0) this.lives.delete(life.name);
  }

  #break(life: Life, rank: number): void {
    life.brokenBy ??= rank;
    this.#answerAll(life, () => `BROKEN ${life.brokenBy}`);
  }

  expire(now: number): void {
    for (const life of [...this.lives.values()]) {
      const due = life.members.filter(({ wait }) => wait !== undefined && wait.deadline <= now);
      const absent = life.members.filter(({ wait }) => wait === undefined).map(({ rank }) => rank);
      if (life.isComplete && due.length > 0) this.#break(life, Math.min(...absent));
      if (!life.isComplete) for (const { session } of due) this.leave(session, life, "TIMED_OUT");
    }
  }
}

export function memberOf(life: Life, session: number): Joined | undefined {
  return life.members.find((member) => member.session === session);
}
