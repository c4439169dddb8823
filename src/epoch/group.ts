/** Whatever rank is left. */
export const ANY_RANK: number = -1;
/** The group goes on. */
const NO_RANK = -1;

/** What a session asks for when it joins. */
export interface GroupClaim {
  readonly session: number;
  readonly name: string;
  readonly size: number;
  /** A rank, or ANY_RANK. */
  readonly rank: number;
}

/** A session in a group. */
export interface GroupMember<W> {
  readonly claim: GroupClaim;
  readonly group: Group<W>;
  /** Known once all have come. */
  rank: number;
  /** It waits: until all have come it always does, then while it is at the barrier. */
  isWaiting: boolean;
  waiter: W | undefined;
  /** When it stops waiting. */
  deadlineMs: number;
}

/** One life of a group: from its first member, through all its rounds, until all have left. */
export class Group<W> {
  readonly name: string;
  readonly size: number;
  /** No other group of the table has it, or had it: so nothing that was meant for an earlier life of the name reaches this one. */
  readonly number: number;
  /** In the order of joining; once all have come by rank, with holes where some have left. */
  members: (GroupMember<W> | undefined)[] = [];
  /** Members that have not left. */
  memberCount = 0;
  /** All have come. */
  isComplete = false;
  /** Barriers that all have passed. */
  round = 0;
  /** Members that wait. */
  waitingCount = 0;
  /** No wait ends before. */
  dueMs: number = Number.POSITIVE_INFINITY;
  /** The rank through which it has ended. */
  brokenBy: number = NO_RANK;

  constructor(name: string, size: number, number: number) {
    this.name = name;
    this.size = size;
    this.number = number;
  }

  get isBroken(): boolean {
    return this.brokenBy !== NO_RANK;
  }

  /** True where nobody who comes can have that rank any more. */
  isTaken(rank: number): boolean {
    if (this.isComplete) return true;
    return rank !== ANY_RANK && this.members.some((member) => member?.claim.rank === rank);
  }

  /** All have come: gives each the rank it asked for, and the others, in the order of joining, what is left. */
  complete(): void {
    const members = this.members as GroupMember<W>[];
    const byRank = new Array<GroupMember<W> | undefined>(this.size).fill(undefined);
    for (const member of members) if (member.claim.rank !== ANY_RANK) byRank[member.claim.rank] = member;
    let rank = 0;
    for (const member of members) {
      if (member.claim.rank !== ANY_RANK) continue;
      while (byRank[rank] !== undefined) rank += 1;
      byRank[rank] = member;
    }
    for (const [own, member] of byRank.entries()) (member as GroupMember<W>).rank = own;
    this.members = byRank;
    this.isComplete = true;
  }

  /** The lowest rank that has not come to the barrier; there is one, else all would have passed. */
  get missingRank(): number {
    return this.members.findIndex((member) => member?.isWaiting !== true);
  }

  remove(member: GroupMember<W>): void {
    if (this.isComplete) this.members[member.rank] = undefined;
    else this.members.splice(this.members.indexOf(member), 1);
    this.memberCount -= 1;
  }
}
