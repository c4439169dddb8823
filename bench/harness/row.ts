import type { Absent } from "./absent.ts";
import type { BenchContext } from "./context.ts";
import { type Round, WHOLE } from "./messages.ts";

/** A case that is ready to run rounds. */
export interface OpenCaseRunner {
  /** Runs one round. @param seed of what is written or made, another one in each round */
  round(seed: number, signal: AbortSignal): Promise<Round>;
  /** Bounded, and never throws. */
  close(): Promise<void>;
}

/** Where a line lies in a series: at how much of what, for example 1000 entries. */
export interface Point {
  readonly over: string;
  readonly count: number;
}

/** One thing that a case measures, and its line in the report. */
export interface LineSpec {
  /** In the case's rounds. */
  readonly key: string;
  readonly name: string;
  /** Lines of the row beside which the report sets this one, by {@link lineId}. */
  readonly limit?: string;
  readonly peer?: string;
  /** A line of a series. */
  readonly point?: Point;
  /** Only in its series, not in the row's table. */
  readonly seriesOnly?: boolean;
}

/** What runs by itself, in a process of its own. Most have one line, which is the case itself. */
export interface CaseSpec {
  /** Within its row. */
  readonly id: string;
  readonly name: string;
  /** How it is done, for example "raw". */
  readonly mode: string;
  readonly role: "didafs" | "peer" | "limit" | "control";
  /** Cases of a row that do the same have the same hash. */
  readonly does: string;
  readonly open: (context: BenchContext, row: Row, spec: CaseSpec) => Promise<OpenCaseRunner | Absent>;
  readonly limit?: string;
  readonly peer?: string;
  readonly lines?: readonly LineSpec[];
}

/** A multiple of a line's rate. */
export interface RatePart {
  /** By {@link lineId}. */
  readonly line: string;
  readonly times: number;
}

/** What is to be reached, of performance.md. */
export interface Target {
  /** A line, by {@link lineId}. */
  readonly line: string;
  /**
   * `within`: at most `factor` times the reference's time. `faster`: at most 1/`factor` of it. `time`: a figure of at
   * most `ns`. `count`: what the case counted under that name is at most `most`. `rate`: at least `factor` times as many
   * operations a second as the quickest of the lines `among`. `lesser`: at least `factor` times the least of what is left
   * when the rate of each line of `of` is taken as many `times`.
   */
  readonly bound:
    | { readonly kind: "time"; readonly figure: "meanNs" | "p50Ns"; readonly ns: number }
    | { readonly kind: "count"; readonly name: string; readonly most: number }
    | { readonly kind: "rate"; readonly among: readonly string[]; readonly factor: number }
    | { readonly kind: "lesser"; readonly of: readonly RatePart[]; readonly factor: number }
    | { readonly kind: "within" | "faster"; readonly reference: string; readonly factor: number };
}

export interface Row {
  readonly id: string;
  readonly title: string;
  /** What the figures are of, for people: working set, what is timed together. */
  readonly setting: string;
  /** The part of a round's time that each line gets; 1 unless there are many lines. */
  readonly share?: number;
  /** What OPS/S counts, as the head of that column, where it is something else. */
  readonly operations?: string;
  /** The figure that ratios compare; a rate as its inverse, the time that an operation takes of all. */
  readonly compare: "meanNs" | "p50Ns" | "operationsPerSecond";
  readonly cases: readonly CaseSpec[];
  readonly targets: readonly Target[];
}

export function shareOf({ share = 1 }: Row): number {
  return share;
}

export function linesOf({ name, limit, peer, lines }: CaseSpec): readonly LineSpec[] {
  if (lines !== undefined) return lines;
  const beside = { ...(limit === undefined ? {} : { limit }), ...(peer === undefined ? {} : { peer }) };
  return [{ key: WHOLE, name, ...beside }];
}

/** A line's name within its row. */
export function lineId(caseId: string, key: string): string {
  return key === WHOLE ? caseId : `${caseId}.${key}`;
}
