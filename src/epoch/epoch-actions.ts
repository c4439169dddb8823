import type { EpochName, Participant } from "../wire/epoch-name.ts";
import type { EpochEntry } from "./epoch-entry.ts";

/** What the caller of EpochTable is to do. */
export const EPOCH_ACTION = {
  /** Append what it would write and what it has locked, as durable as it asks; then call `logged`. */
  LOG_PREPARED: 0,
  /** Append that it is committed, with those who take part, or with what it writes where nobody else does; then `logged`. */
  LOG_COMMITTED: 1,
  /** Append that it has been committed here, then `logged`. */
  LOG_FINISHED: 2,
  /** Append that its record is of no use any more. Nobody waits for that. */
  LOG_OVER: 3,
  /** Write what it writes, and count the lines' versions. */
  APPLY: 4,
  /** Answer the one who asked, with `answer`. */
  ANSWER: 5,
  /** Ask its decider what has become of it; then `outcome`. */
  ENQUIRE: 6,
  /** Ask `participant` to finish it, committed; then `acknowledged`. */
  ASK_FINISH: 7,
  /** It has its locks: whoever reads what it is to write is told to wait, from now on until FREED. */
  HELD: 8,
  /** Its locks are gone, and it has been applied if it ever will: what waits for its lines goes on. */
  FREED: 9,
} as const;

export const EPOCH_ANSWER = {
  PREPARED: 0,
  COMMITTED: 1,
  /** It has no effect anywhere, and will have none. */
  ABORTED: 2,
  /** Somebody holds a line, or has written what was read. It has no effect here. */
  CONFLICT: 3,
  /** It is being decided; ask again. */
  UNDECIDED: 4,
  /** Nobody may ask that. */
  REFUSED: 5,
  /** Too many epochs are under way. */
  FULL: 6,
} as const;

/** One action. Asker and payload are the caller's own. */
export interface EpochAction<A, P> {
  readonly kind: number;
  /** Of an answer: to whom, and what. */
  readonly asker?: A;
  readonly answer?: number;
  /** Of anything else. */
  readonly name?: EpochName;
  /** Where it is under way here. */
  readonly entry?: EpochEntry<A, P>;
  /** Whom to ask. */
  readonly participant?: Participant;
}
