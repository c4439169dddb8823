import type { LeaseRecord } from "../target/lease-record.ts";

/** What outlasts the lives of a target, also a loss of power: the longest lease that it has granted. */
export class SimLeases {
  longestMs: number;

  constructor(longestMs = 0) {
    this.longestMs = longestMs;
  }

  /** For the life that begins. */
  record(): LeaseRecord {
    return {
      formerMs: this.longestMs,
      raise: (leaseMs) => {
        this.longestMs = Math.max(this.longestMs, leaseMs);
      },
    };
  }
}
