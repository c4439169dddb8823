/** Targets that are judged by more than one figure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../../bench/harness/row.ts";
import { type Judged, judge } from "../../bench/report/judge.ts";
import type { LineReport } from "../../bench/report/line-report.ts";

function line(id: string, operationsPerSecond: number | undefined): LineReport {
  const known = {
    id,
    case: id,
    name: id,
    mode: "mode",
    role: "didafs",
    does: "put",
    seriesOnly: false,
  } as const;
  if (operationsPerSecond === undefined) return { ...known, absent: "not there" };
  const times = { meanNs: 1, p50Ns: 1, p90Ns: 1, p99Ns: 1 };
  const measured = {
    ...times,
    operations: 1,
    operationsPerSecond,
    spread: 0,
    hash: "",
    counts: {},
    rounds: [],
  };
  return { ...known, measured };
}

const LESSER: Target = {
  line: "many",
  bound: {
    kind: "lesser",
    of: [
      { line: "one", times: 8 },
      { line: "memory", times: 1 },
    ],
    factor: 0.8,
  },
};

function judgedBy(many: number, one: number, memory: number | undefined): Judged {
  const lines = [line("many", many), line("one", one), line("memory", memory)];
  return judge(LESSER, lines, "p50Ns", () => undefined);
}

test("a rate is held against the lesser of others' multiples, whichever that is", () => {
  const { target, value, outcome } = judgedBy(800, 100, 5000);
  assert.equal(
    target,
    "many (mode): at least 0.8 times the lesser rate of 8 times one (mode) and memory (mode)",
  );
  assert.deepEqual([value, outcome], [1, "reached"]);
  assert.deepEqual(pick(judgedBy(800, 1000, 1000)), [0.8, "reached"]);
  assert.deepEqual(pick(judgedBy(790, 1000, 1000)), [0.79, "not reached"]);
  assert.deepEqual(pick(judgedBy(630, 100, 5000)), [0.7875, "not reached"]);
});

test("where one of them is absent nothing is said, also when the other one would decide", () => {
  assert.deepEqual(pick(judgedBy(1, 1, undefined)), [undefined, "unknown"]);
});

function pick({ value, outcome }: Judged): unknown[] {
  return [value, outcome];
}
