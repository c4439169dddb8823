import type { Absent } from "./absent.ts";
import type { BenchContext } from "./context.ts";
import type { Moves, Round } from "./messages.ts";

/** A case that is ready to run rounds. */
export interface OpenCaseRunner {
  /** Runs one round. @param seed of the words that puts write, another one in each round */
  round(seed: number, signal: AbortSignal): Promise<Round>;
  /** Bounded, and never throws. */
  close(): Promise<void>;
}

export interface CaseSpec {
  /** Within its row. */
  readonly id: string;
  readonly name: string;
  /** How the bytes are reached and waited for, for example "raw". */
  readonly mode: string;
  readonly role: "didafs" | "peer" | "limit" | "control";
  readonly moves: Moves;
  readonly open: (context: BenchContext, row: Row, spec: CaseSpec) => Promise<OpenCaseRunner | Absent>;
  /** Cases of the row beside which the report sets this one. */
  readonly limit?: string;
  readonly peer?: string;
}

/** What is to be reached, of performance.md. */
export interface Target {
  readonly case: string;
  /** `within`: at most `factor` times the reference's time. `faster`: at most 1/`factor` of it. `mean`: at most `ns`. */
  readonly bound:
    | { readonly kind: "mean"; readonly ns: number }
    | { readonly kind: "within" | "faster"; readonly reference: string; readonly factor: number };
}

export interface Row {
  readonly id: string;
  readonly title: string;
  /** Working set, in words of 8 bytes; a power of two. */
  readonly words: number;
  /** Operations that are timed together. */
  readonly batchOps: number;
  /** The figure that ratios compare. */
  readonly compare: "meanNs" | "p50Ns";
  readonly cases: readonly CaseSpec[];
  readonly targets: readonly Target[];
}
