import type { Target } from "../harness/row.ts";
import { duration } from "./format.ts";
import type { LineReport } from "./line-report.ts";

/** A target and whether it was reached. */
export interface Judged {
  readonly line: string;
  readonly target: string;
  /** Absent where it could not be measured. */
  readonly value?: number;
  readonly unit: "ns" | "count" | "times";
  /** `unknown`: what it is measured against is absent. */
  readonly outcome: "reached" | "not reached" | "unknown";
}

/** @param ratio the time of one line as a multiple of another's */
export function judge(
  { line: id, bound }: Target,
  lines: readonly LineReport[],
  ratio: (of: string, to: string) => number | undefined,
): Judged {
  const lineOf = (wanted: string): LineReport | undefined => lines.find((known) => known.id === wanted);
  const nameOf = (wanted: string): string => {
    const found = lineOf(wanted);
    return found === undefined ? wanted : `${found.name} (${found.mode})`;
  };
  const measured = lineOf(id)?.measured;
  switch (bound.kind) {
    case "time": {
      const figure = bound.figure === "meanNs" ? "on average" : "at the median";
      const target = `${nameOf(id)}: at most ${duration(bound.ns)} ${figure}`;
      return judged(id, target, "ns", measured?.[bound.figure], (ns) => ns <= bound.ns);
    }
    case "count": {
      const target = `${nameOf(id)}: at most ${bound.most} ${bound.name}`;
      return judged(id, target, "count", measured?.counts[bound.name], (count) => count <= bound.most);
    }
    case "within": {
      const target = `${nameOf(id)}: at most ${bound.factor} times as long as ${nameOf(bound.reference)}`;
      return judged(id, target, "times", ratio(id, bound.reference), (times) => times <= bound.factor);
    }
    case "faster": {
      const target = `${nameOf(id)}: at least ${bound.factor} times as fast as ${nameOf(bound.reference)}`;
      return judged(id, target, "times", ratio(bound.reference, id), (times) => times >= bound.factor);
    }
  }
}

function judged(
  line: string,
  target: string,
  unit: Judged["unit"],
  value: number | undefined,
  reached: (value: number) => boolean,
): Judged {
  if (value === undefined) return { line, target, unit, outcome: "unknown" };
  return { line, target, value, unit, outcome: reached(value) ? "reached" : "not reached" };
}
