import type { EpochReads, Read } from "./epoch-reads.ts";

/**
 * The nodes of a history: each epoch is one, or, where epochs are not isolated, each of its reads and then, last, all of
 * its writes together. Source: Adya's unfolded serialization graph (Weak Consistency, 1999).
 */
export class EpochNodes {
  readonly count: number;
  readonly isSplit: boolean;
  readonly #first: Uint32Array;
  readonly #epoch: Uint32Array;

  constructor({ parts }: EpochReads, isSplit: boolean) {
    this.isSplit = isSplit;
    this.#first = new Uint32Array(parts.length + 1);
    for (const [epoch, reads] of parts.entries()) {
      this.#first[epoch + 1] = this.first(epoch) + (isSplit ? reads + 1 : 1);
    }
    this.count = this.first(parts.length);
    this.#epoch = new Uint32Array(this.count);
    for (const epoch of parts.keys()) this.#epoch.fill(epoch, this.first(epoch), this.first(epoch + 1));
  }

  first(epoch: number): number {
    return this.#first[epoch] as number;
  }

  /** Where it writes, too. */
  last(epoch: number): number {
    return this.first(epoch + 1) - 1;
  }

  ofRead({ epoch, part }: Read): number {
    return this.first(epoch) + (this.isSplit ? part : 0);
  }

  epochOf(node: number): number {
    return this.#epoch[node] as number;
  }
}
