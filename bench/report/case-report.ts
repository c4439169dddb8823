import type { Round } from "../harness/messages.ts";
import type { CaseSpec } from "../harness/row.ts";
import type { Timing } from "../harness/statistics.ts";

/** A case's figures: of each the median over the rounds. */
export interface Measured extends Timing {
  readonly operationsPerSecond: number;
  /** How far rounds lie apart: half the way from the lowest to the highest, as a part of the median. */
  readonly spread: number;
  readonly operations: number;
  /** Of the words moved in the last round; undefined where a tool of others does not show them. */
  readonly hash: string | undefined;
  readonly rounds: readonly Round[];
}

export interface CaseReport {
  readonly id: string;
  readonly name: string;
  readonly mode: string;
  readonly role: CaseSpec["role"];
  readonly moves: CaseSpec["moves"];
  /** Why it was not measured. */
  readonly absent?: string;
  readonly measured?: Measured;
  /** Its time as a multiple of the limit's, the median of the rounds' ratios. */
  readonly timesLimit?: number;
  /** The peer's time as a multiple of its own. */
  readonly peerTimes?: number;
}
