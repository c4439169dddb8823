import type { Row, Target } from "../harness/row.ts";
import { duration } from "./format.ts";
import type { LineReport } from "./line-report.ts";

/** A target and whether it was reached. */
export interface Judged {
  readonly line: string;
  readonly target: string;
  /** Absent where it could not be measured. */
  readonly value?: number;
  readonly unit: "ns" | "count" | "times";
  /** Where a time is to be reached, that time in nanoseconds. */
  readonly timeNs?: number;
  /** `unknown`: what it is measured against is absent. */
  readonly outcome: "reached" | "not reached" | "unknown";
}

/** @param ratio the time of one line as a multiple of another's */
export function judge(
  target: Target,
  lines: readonly LineReport[],
  compare: Row["compare"],
  ratio: (of: string, to: string) => number | undefined,
): Judged {
  const timeNs = timeOf(target, lines, compare);
  return { ...outcomeOf(target, lines, ratio), ...(timeNs !== undefined && { timeNs }) };
}

function timeOf(
  { bound }: Target,
  lines: readonly LineReport[],
  compare: Row["compare"],
): number | undefined {
  if (bound.kind === "time") return bound.ns;
  if (bound.kind !== "within" && bound.kind !== "faster") return undefined;
  const referenceNs = lines.find(({ id }) => id === bound.reference)?.measured?.[compare];
  if (referenceNs === undefined) return undefined;
  return bound.kind === "within" ? referenceNs * bound.factor : referenceNs / bound.factor;
}

function outcomeOf(
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
    case "rate": {
      const rates = bound.among.map((one) => lineOf(one)?.measured?.operationsPerSecond ?? 0);
      const rate = measured && measured.operationsPerSecond / Math.max(...rates);
      const target = `${nameOf(id)}${placeOf(lineOf(id))}: at least ${bound.factor} times the best rate of its series`;
      return judged(id, target, "times", rate, (times) => times >= bound.factor);
    }
    case "lesser": {
      const parts = bound.of.map(({ line, times }) => {
        const part = lineOf(line);
        const rate = part?.measured && part.measured.operationsPerSecond * times;
        const name = `${nameOf(line)}${placeOf(part)}`;
        return { rate, name: times === 1 ? name : `${times} times ${name}` };
      });
      const rates = parts.map(({ rate }) => rate).filter((rate) => rate !== undefined);
      const isKnown = measured !== undefined && rates.length === parts.length;
      const found = isKnown ? measured.operationsPerSecond / Math.min(...rates) : undefined;
      const lesser = parts.map(({ name }) => name).join(" and ");
      const target = `${nameOf(id)}${placeOf(lineOf(id))}: at least ${bound.factor} times the lesser rate of ${lesser}`;
      return judged(id, target, "times", found, (times) => times >= bound.factor);
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

function placeOf(line: LineReport | undefined): string {
  return line?.point === undefined ? "" : ` at ${line.point.count.toLocaleString("en")} ${line.point.over}`;
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
