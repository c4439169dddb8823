/** How long operations took, in nanoseconds an operation. */
export interface Timing {
  readonly meanNs: number;
  readonly p50Ns: number;
  /** Undefined where a tool of others does not tell. */
  readonly p90Ns: number | undefined;
  readonly p99Ns: number | undefined;
}

/** @param samplesNs one or more, in any order; they are sorted in place */
export function timingOf(samplesNs: Float64Array): Timing {
  let totalNs = 0;
  for (const sample of samplesNs) totalNs += sample;
  samplesNs.sort();
  return {
    meanNs: totalNs / samplesNs.length,
    p50Ns: percentile(samplesNs, 50),
    p90Ns: percentile(samplesNs, 90),
    p99Ns: percentile(samplesNs, 99),
  };
}

/** The smallest sample that at least `percent` of all samples do not exceed. @param sorted one or more, ascending */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] as number;
}

/** The middle value, or the mean of the two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The timing whose every figure is the median over the rounds; undefined where a round has none. */
export function medianTiming(rounds: readonly Timing[]): Timing {
  const over = (figure: keyof Timing): number | undefined => {
    const values = rounds.map((round) => round[figure]).filter((value) => value !== undefined);
    return values.length === rounds.length ? median(values) : undefined;
  };
  return {
    meanNs: over("meanNs") as number,
    p50Ns: over("p50Ns") as number,
    p90Ns: over("p90Ns"),
    p99Ns: over("p99Ns"),
  };
}
