import { ANY_RANK, Group, type GroupClaim, type GroupMember } from "./group.ts";
import { GROUP_ACTION, GroupActions } from "./group-actions.ts";
import { GROUP_LIMITS, type GroupLimits } from "./group-limits.ts";

/** Of one session: its members by the numbers of their groups. */
type Memberships<W> = Map<number, GroupMember<W>>;

/**
 * The groups at one home: who joins, who is at which barrier, and what has ended. A pure state machine: its methods are the
 * events, those that time matters to with the time; what comes of one is in `actions`, which its caller carries out and clears.
 *
 * Until all have come a group is only a wish: who goes, or whose time has come, has not been there. From then on it is all or
 * nothing: one member that leaves, ends or does not come in time ends it for all. Its name is free again when all have left.
 */
export class GroupTable<W> {
  readonly actions: GroupActions<W>;
  /** Members that groups have taken for their sizes. */
  placeCount = 0;
  /** Commands that wait. */
  waitingCount = 0;
  readonly #limits: GroupLimits;
  readonly #groups = new Map<string, Group<W>>();
  /** No session without a member. */
  readonly #sessions = new Map<number, Memberships<W>>();
  /** Of the next group. */
  #number = 0;
  /** No wait ends before. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(limits: GroupLimits = GROUP_LIMITS) {
    this.#limits = limits;
    // A member waits for one thing at a time.
    this.actions = new GroupActions(limits.membersMax + 1);
  }

  /** When `expire` is to be called though nothing happened. */
  get dueMs(): number {
    return this.#dueMs;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** Sessions that are members, or wait to be. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Answered when all have come. @param waitMs how long that may take */
  join(claim: GroupClaim, waitMs: number, waiter: W, nowMs: number): void {
    const known = this.#groups.get(claim.name);
    if (known?.isBroken === true) {
      this.actions.push(GROUP_ACTION.BROKEN, waiter, known.brokenBy);
      return;
    }
    const refusal = this.#refusal(claim, known, waitMs);
    if (refusal !== undefined) {
      this.actions.push(refusal, waiter);
      return;
    }
    const group = known ?? this.#begin(claim);
    const member = { claim, group, rank: ANY_RANK, isWaiting: false, waiter: undefined, deadlineMs: 0 };
    group.members.push(member);
    group.memberCount += 1;
    const memberships = this.#sessions.get(claim.session) ?? new Map<number, GroupMember<W>>();
    this.#sessions.set(claim.session, memberships.set(group.number, member));
    const isLast = group.memberCount === group.size;
    this.#wait(member, waiter, isLast ? Number.POSITIVE_INFINITY : nowMs + waitMs);
    if (!isLast) return;
    group.complete();
    this.#answerAll(group, GROUP_ACTION.JOINED);
  }

  #refusal(claim: GroupClaim, group: Group<W> | undefined, waitMs: number): number | undefined {
    const { session, size, rank } = claim;
    const limits = this.#limits;
    if (!(size >= 2 && size <= limits.sizeMax && rank >= ANY_RANK && rank < size))
      return GROUP_ACTION.REFUSED;
    const memberships = this.#sessions.get(session);
    if (group !== undefined) {
      if (memberships?.has(group.number) === true) return GROUP_ACTION.REPEATED;
      if (group.size !== size) return GROUP_ACTION.MISMATCH;
      if (group.isTaken(rank)) return GROUP_ACTION.TAKEN;
    }
    const isTooMuch =
      (memberships?.size ?? 0) >= limits.sessionGroupsMax ||
      (group === undefined &&
        (this.#groups.size >= limits.groupsMax || this.placeCount + size > limits.membersMax));
    if (isTooMuch) return GROUP_ACTION.REFUSED;
    const isLast = group !== undefined && group.memberCount + 1 === size;
    return isLast || waitMs > 0 ? undefined : GROUP_ACTION.TIMED_OUT;
  }

  #begin({ name, size }: GroupClaim): Group<W> {
    const group = new Group<W>(name, size, this.#number);
    this.#number += 1;
    this.#groups.set(name, group);
    this.placeCount += size;
    return group;
  }

  /**
   * Answered when all members have come to it. Costs no more than the last time, where everybody is answered.
   * @param number the group's @param round how many barriers the member has passed @param waitMs how long others may take; else the
   * group ends, through the lowest rank that has not come. 0: not at all, and who would have to wait has not come
   */
  barrier(session: number, number: number, round: number, waitMs: number, waiter: W, nowMs: number): void {
    const member = this.#sessions.get(session)?.get(number);
    // Before all have come nobody has been told the number.
    if (member?.group.isComplete !== true) {
      this.actions.push(GROUP_ACTION.UNKNOWN, waiter);
      return;
    }
    const { group } = member;
    if (group.isBroken) this.actions.push(GROUP_ACTION.BROKEN, waiter, group.brokenBy);
    else if (member.isWaiting) this.actions.push(GROUP_ACTION.REPEATED, waiter);
    else if (round !== group.round) this.actions.push(GROUP_ACTION.MISMATCH, waiter);
    else if (group.waitingCount + 1 === group.size) {
      group.round += 1;
      this.#answerAll(group, GROUP_ACTION.PASSED);
      this.actions.push(GROUP_ACTION.PASSED, waiter);
    } else if (waitMs <= 0) this.actions.push(GROUP_ACTION.TIMED_OUT, waiter);
    else this.#wait(member, waiter, nowMs + waitMs);
  }

  #wait(member: GroupMember<W>, waiter: W, deadlineMs: number): void {
    const { group } = member;
    member.isWaiting = true;
    member.waiter = waiter;
    member.deadlineMs = deadlineMs;
    group.waitingCount += 1;
    this.waitingCount += 1;
    group.dueMs = Math.min(group.dueMs, deadlineMs);
    this.#dueMs = Math.min(this.#dueMs, deadlineMs);
  }

  /** Answers one that waits. @param rank see GroupActions */
  #answer(member: GroupMember<W>, kind: number, rank = 0, size = 0, number = 0): void {
    const { group, waiter } = member;
    member.isWaiting = false;
    member.waiter = undefined;
    group.waitingCount -= 1;
    this.waitingCount -= 1;
    this.actions.push(kind, waiter as W, rank, size, number);
  }

  /** Answers all that wait, in the order of the members. */
  #answerAll(group: Group<W>, kind: number): void {
    group.dueMs = Number.POSITIVE_INFINITY;
    for (const member of group.members) {
      if (member?.isWaiting !== true) continue;
      if (kind === GROUP_ACTION.JOINED) this.#answer(member, kind, member.rank, group.size, group.number);
      else this.#answer(member, kind, group.isBroken ? group.brokenBy : 0);
    }
  }

  /** Ends the group, unless it has ended: the first one is named. */
  #break(group: Group<W>, rank: number): void {
    if (group.isBroken) return;
    group.brokenBy = rank;
    this.#answerAll(group, GROUP_ACTION.BROKEN);
  }

  /** The session is no member any more, and none that waits to be one. @returns whether it was */
  leave(session: number, name: string): boolean {
    const group = this.#groups.get(name);
    const member = group && this.#sessions.get(session)?.get(group.number);
    if (member === undefined) return false;
    this.#leave(member, GROUP_ACTION.CANCELLED);
    return true;
  }

  /** @param kind what it is told, where it waits */
  #leave(member: GroupMember<W>, kind: number): void {
    const { claim, group } = member;
    if (member.isWaiting) this.#answer(member, kind);
    group.remove(member);
    const memberships = this.#sessions.get(claim.session) as Memberships<W>;
    memberships.delete(group.number);
    if (memberships.size === 0) this.#sessions.delete(claim.session);
    if (group.isComplete) this.#break(group, member.rank);
    if (group.memberCount > 0) return;
    this.#groups.delete(group.name);
    this.placeCount -= group.size;
  }

  /** The session's connection has ended. Nobody can tell it what it waits for: so it leaves that, and nothing else. */
  endWaits(session: number): void {
    for (const member of [...(this.#sessions.get(session)?.values() ?? [])]) {
      if (member.isWaiting) this.#leave(member, GROUP_ACTION.CANCELLED);
    }
  }

  /** Nothing is left of the session: it leaves all its groups. */
  endSession(session: number): void {
    for (const member of [...(this.#sessions.get(session)?.values() ?? [])]) {
      this.#leave(member, GROUP_ACTION.CANCELLED);
    }
  }

  /** Ends the waits whose time has come: of those that join each by itself, of a barrier the group. */
  expire(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    let dueMs = Number.POSITIVE_INFINITY;
    // Of a Map: who leaves last takes the group out of it meanwhile.
    for (const group of this.#groups.values()) {
      if (nowMs >= group.dueMs) this.#expire(group, nowMs);
      dueMs = Math.min(dueMs, group.dueMs);
    }
    this.#dueMs = dueMs;
  }

  #expire(group: Group<W>, nowMs: number): void {
    // A round that all have passed has left no time behind: somebody's has come.
    if (group.isComplete) {
      this.#break(group, group.missingRank);
      return;
    }
    group.dueMs = Number.POSITIVE_INFINITY;
    for (const member of [...group.members] as GroupMember<W>[]) {
      if (nowMs >= member.deadlineMs) this.#leave(member, GROUP_ACTION.TIMED_OUT);
      else group.dueMs = Math.min(group.dueMs, member.deadlineMs);
    }
  }
}
