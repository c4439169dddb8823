/** What the programs of this folder print: see limit.h. */
export interface Printed {
  readonly timed: number;
  readonly tookNs: number;
  /** Operations of which `sum` is. */
  readonly all: number;
  /** Modulo 2^32. */
  readonly sum: number;
  readonly samplesNs: Float64Array;
}

/** @param batchOps operations of a sample; samples are per operation then */
export function parsePrinted(text: string, batchOps: number): Printed {
  const [head = "", ...samples] = text.trimEnd().split("\n");
  const [timed = 0, tookNs = 0, all = 0, sum = 0] = head.split(" ").map(Number);
  return { timed, tookNs, all, sum, samplesNs: Float64Array.from(samples, (ns) => Number(ns) / batchOps) };
}
