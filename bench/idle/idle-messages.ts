import type { Transport } from "../../src/client/api.ts";
import type { ClusterAddress } from "../harness/case.ts";

/** What a client of an idle cluster is told; it answers with a number. */
export type IdleOrder =
  | { readonly open: ClusterAddress; readonly transport: Transport; readonly path: string }
  /** Writes words of that seed, and reads them back: their sum. */
  | { readonly work: number }
  /** Waits for an answer that the stopped target does not give, until the call is cancelled. */
  | { readonly cancelWithinMs: number };

export const WORDS = 512;
