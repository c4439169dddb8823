import type { Round, Timed } from "../harness/messages.ts";
import type { CaseSpec, Point } from "../harness/row.ts";

/** A line's figures: of each the median over the rounds. */
export interface Measured extends Timed {
  /** How far rounds lie apart: half the way from the lowest to the highest, as a part of the median. */
  readonly spread: number;
  /** Of what the case moved or left in the last round; undefined where a tool of others does not show it. */
  readonly hash: string | undefined;
  /** Of the case, in the last round. */
  readonly counts: NonNullable<Round["counts"]>;
  readonly rounds: readonly Timed[];
}

/** One line of a case: most cases have one only. */
export interface LineReport {
  /** Within its row. */
  readonly id: string;
  readonly case: string;
  readonly name: string;
  readonly mode: string;
  readonly role: CaseSpec["role"];
  readonly does: string;
  /** Its place in a series. */
  readonly point?: Point;
  /** It belongs to its series only. */
  readonly seriesOnly: boolean;
  /** Why it was not measured. */
  readonly absent?: string;
  readonly measured?: Measured;
  /** Its time as a multiple of the limit's, the median of the rounds' ratios. */
  readonly timesLimit?: number;
  /** The peer's time as a multiple of its own. */
  readonly peerTimes?: number;
}
