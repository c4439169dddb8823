import type { CaseSetup } from "./case.ts";
import type { Timing } from "./statistics.ts";

/** Whether words are read or written. */
export type Moves = "get" | "put";

/** What one round of one case gave. */
export interface Round extends Timing {
  readonly operations: number;
  /** SHA-256 of the words moved; undefined where a tool of others does not show its bytes. */
  readonly hash: string | undefined;
  /** What the hash must be. */
  readonly expectedHash: string | undefined;
}

/** How a case's process is to run. */
export interface CasePlan {
  /** Module with an `open` of type OpenCase. */
  readonly module: string;
  readonly moves: Moves;
  readonly setup: Omit<CaseSetup, "pattern">;
  readonly batchOps: number;
  readonly warmUpMs: number;
  /** Length of a round; it takes longer where that does not visit each word once. */
  readonly roundMs: number;
}

export type ToCase =
  | { readonly kind: "open"; readonly plan: CasePlan }
  | { readonly kind: "round"; readonly seed: number }
  | { readonly kind: "close" };

export type FromCase =
  | { readonly kind: "opened" }
  | { readonly kind: "round"; readonly round: Round }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly code: string | undefined; readonly message: string };
