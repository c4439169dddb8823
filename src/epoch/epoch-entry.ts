import type { EpochName, Participant } from "../wire/epoch-name.ts";
import type { LockedLines } from "./line-locks.ts";

/** What an epoch asks of one participant. */
export interface EpochClaim {
  readonly name: EpochName;
  readonly decider: Participant;
  /** The origin's session here. */
  readonly session: number;
  /** Lines that were read here, and the version that each had. */
  readonly reads: readonly number[];
  readonly versions: readonly number[];
  /** Lines that it writes here. */
  readonly writes: readonly number[];
}

export const PHASE = {
  /** Its record is on its way to the log. Nobody has been promised anything. */
  PREPARING: 0,
  /** Promised: it can be committed, and only its decider knows whether it is. */
  PREPARED: 1,
  /** The decision is on its way to the log. */
  DECIDING: 2,
  /** It is applied; that this is so is on its way to the log. */
  FINISHING: 3,
} as const;

/** One epoch at one participant, until it is over there. */
export interface EpochEntry<A, P> {
  /** Of the table. */
  readonly key: string;
  readonly name: EpochName;
  readonly decider: Participant;
  /** undefined where its session has ended. */
  session: number | undefined;
  readonly locked: LockedLines;
  /** What it writes, as its caller has it. */
  readonly payload: P;
  phase: number;
  /** Who is told what becomes of it. */
  asker: A | undefined;
  /** The others that take part, of one that is being decided here. */
  others: readonly Participant[];
  /** When to ask its decider, where its origin says nothing. */
  enquireMs: number;
}
