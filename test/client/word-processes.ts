/** What word-processes.test.ts tells a process of hand-over-worker.ts. */
export interface HandOverPlan {
  readonly path: string;
  readonly transport: "direct" | "tcp";
  readonly sharing: "raw" | "managed";
  /** See word-writes.ts. */
  readonly way: string;
  /** The first value that it waits for: 0 or 1. */
  readonly turn: number;
  /** Where the counter ends. */
  readonly count: number;
}
