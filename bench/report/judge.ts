import type { Target } from "../harness/row.ts";
import type { CaseReport } from "./case-report.ts";

/** A target and whether it was reached. */
export interface Judged {
  readonly case: string;
  readonly target: string;
  /** Nanoseconds, or a ratio; absent where it could not be measured. */
  readonly value?: number;
  /** `unknown`: what it is measured against is absent. */
  readonly outcome: "reached" | "not reached" | "unknown";
}

/** @param ratio the time of one case as a multiple of another's */
export function judge(
  { case: id, bound }: Target,
  cases: readonly CaseReport[],
  ratio: (of: string, to: string) => number | undefined,
): Judged {
  const nameOf = (wanted: string): string => {
    const found = cases.find((known) => known.id === wanted);
    return found === undefined ? wanted : `${found.name} (${found.mode})`;
  };
  const name = nameOf(id);
  switch (bound.kind) {
    case "mean": {
      const value = cases.find((known) => known.id === id)?.measured?.meanNs;
      return judged(id, `${name}: at most ${bound.ns} ns on average`, value, (ns) => ns <= bound.ns);
    }
    case "within": {
      const target = `${name}: at most ${bound.factor} times as long as ${nameOf(bound.reference)}`;
      return judged(id, target, ratio(id, bound.reference), (times) => times <= bound.factor);
    }
    case "faster": {
      const target = `${name}: at least ${bound.factor} times as fast as ${nameOf(bound.reference)}`;
      return judged(id, target, ratio(bound.reference, id), (times) => times >= bound.factor);
    }
  }
}

function judged(
  id: string,
  target: string,
  value: number | undefined,
  reached: (value: number) => boolean,
): Judged {
  if (value === undefined) return { case: id, target, outcome: "unknown" };
  return { case: id, target, value, outcome: reached(value) ? "reached" : "not reached" };
}
