/** Remembers, across lives of a target, how long the leases may last that it has granted. */
export interface LeaseRecord {
  /** Of a life that has ended, and not in good order without any lock held: the longest lease. 0: none can last. */
  readonly formerMs: number;
  /** A lease of that length is about to be granted. Durable when it returns. */
  raise(leaseMs: number): void;
}
