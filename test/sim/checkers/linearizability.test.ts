import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linearize } from "../../../src/sim/checkers/linearizability.ts";
import {
  checkWord,
  type WordInput,
  type WordOperation,
  type WordOutput,
} from "../../../src/sim/checkers/words.ts";
import type { Outcome } from "../../../src/sim/history.ts";
import { SimRandom } from "../../../src/sim/random.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** `[from, to, what, result]`; without a result nobody knows how it ended. */
type Line = readonly [from: number, to: number, input: WordInput, output?: WordOutput | "not done"];

function history(...lines: Line[]): WordOperation[] {
  return lines.map(([invoked, to, input, output]) => {
    const outcome: Outcome = output === undefined ? "unknown" : output === "not done" ? "not done" : "done";
    const returned = outcome === "done" ? to : NEVER;
    const result = typeof output === "number" || output === null ? output : undefined;
    return { client: "c", input, invoked, returned, outcome, output: result };
  });
}

const load: WordInput = { op: "load" };
const loss: WordInput = { op: "loss" };
const store = (value: number, window = "w"): WordInput => ({ op: "store", value, window });
const add = (delta: number): WordInput => ({ op: "add", delta, window: "w" });
const cas = (expected: number, desired: number): WordInput => ({ op: "cas", expected, desired, window: "w" });
const flush = (window = "w"): WordInput => ({ op: "flush", window });

const LEGAL: Record<string, WordOperation[]> = {
  "one after the other": history([1, 2, store(5), null], [3, 4, load, 5], [5, 6, add(2), 5], [7, 8, load, 7]),
  "a load beside a store sees either": history([1, 6, store(5), null], [2, 3, load, 0], [4, 5, load, 5]),
  "what overlaps comes in any order": history(
    [1, 9, store(1), null],
    [2, 8, store(2), null],
    [10, 11, load, 1],
  ),
  "compare-and-swaps that fail change nothing": history(
    [1, 2, cas(3, 9), 0],
    [3, 4, cas(0, 9), 0],
    [5, 6, load, 9],
  ),
  "what is unknown comes late": history([1, 2, store(5)], [3, 4, load, 0], [5, 6, load, 5], [7, 8, load, 5]),
  "what is unknown never comes": history([1, 2, store(5)], [3, 4, load, 0]),
  "a loss brings back what was not flushed": history(
    [1, 2, store(5), null],
    [3, 3, loss, null],
    [4, 5, load, 0],
  ),
  "a loss leaves what was not flushed": history([1, 2, store(5), null], [3, 3, loss, null], [4, 5, load, 5]),
  "a flush keeps the window's own changes only": history(
    [1, 2, store(5, "a"), null],
    [3, 4, flush("b"), null],
    [5, 5, loss, null],
    [6, 7, load, 0],
  ),
};

const ILLEGAL: Record<string, WordOperation[]> = {
  "a value that nobody wrote": history([1, 2, load, 3]),
  "an old value": history([1, 2, store(5), null], [3, 4, load, 0]),
  "a value that comes and goes": history([1, 9, store(5), null], [2, 3, load, 5], [4, 5, load, 0]),
  "an addition that is lost": history([1, 2, add(1), 0], [3, 4, add(1), 0]),
  "what was certainly not done": history([1, 2, store(5), "not done"], [3, 4, load, 5]),
  "a swap that did not compare": history([1, 2, cas(3, 9), 0], [3, 4, load, 9]),
  "what is unknown comes twice": history([1, 2, add(5)], [3, 4, load, 10]),
  "a loss takes what was flushed": history(
    [1, 2, store(5), null],
    [3, 4, flush(), null],
    [5, 5, loss, null],
    [6, 7, load, 0],
  ),
  "a loss brings back what was flushed over": history(
    [1, 2, store(5), null],
    [3, 4, store(6), null],
    [5, 6, flush(), null],
    [7, 7, loss, null],
    [8, 9, load, 5],
  ),
  "without a loss nothing comes back": history([1, 2, store(5), null], [3, 4, load, 5], [5, 6, load, 0]),
};

describe("linearizability of a word", () => {
  for (const [name, operations] of Object.entries(LEGAL)) {
    it(`allows: ${name}`, () => assert.equal(checkWord(operations).kind, "linearizable"));
  }
  for (const [name, operations] of Object.entries(ILLEGAL)) {
    it(`refuses: ${name}`, () => assert.equal(checkWord(operations).kind, "violated"));
  }

  it("says what has no place", () => {
    const verdict = checkWord(history([1, 2, store(5), null], [3, 4, load, 7]));
    assert.ok(verdict.kind === "violated");
    assert.equal(verdict.placed, 1);
    assert.deepEqual(
      verdict.stuck.map(({ input }) => input),
      [load],
    );
  });

  it("allows what really ran in some order, and refuses it once a result is changed", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new SimRandom(seed);
      const operations = concurrentRun(random);
      assert.equal(checkWord(operations).kind, "linearizable", `seed ${seed}`);
      const loads = operations.filter(({ input, outcome }) => input.op === "load" && outcome === "done");
      if (loads.length === 0) continue;
      random.pick(loads).output = 777_777;
      assert.equal(checkWord(operations).kind, "violated", `seed ${seed}`);
    }
  });

  it("gives up where there is too much to try", () => {
    const unknown = Array.from({ length: 24 }, (_, i): Line => [i + 1, 0, add(2 ** i)]);
    const last: Line[] = [
      [100, 101, load, 2 ** 24 - 2],
      [102, 103, load, 1],
    ];
    assert.equal(checkWord(history(...unknown, ...last)).kind, "undecided");
  });
});

it("tries all states where an operation has several outcomes", () => {
  const coin = { initial: 0, apply: () => [1, 2], key: String };
  const tell = {
    initial: 0,
    key: String,
    apply: (state: number, { input, output }: { input: string; output: number | undefined }) =>
      input === "toss" ? coin.apply() : output === state ? [state] : [],
  };
  const base = { client: "c", outcome: "done" as const };
  const toss = { ...base, input: "toss", invoked: 1, returned: 2, output: undefined };
  const look = (output: number) => ({ ...base, input: "look", invoked: 3, returned: 4, output });
  assert.equal(linearize([toss, look(2)], tell).kind, "linearizable");
  assert.equal(linearize([toss, look(3)], tell).kind, "violated");
});

/** Operations of three parties that take effect at a moment between their beginning and their end. */
function concurrentRun(random: SimRandom): WordOperation[] {
  let at = 0;
  let value = 0;
  const operations: WordOperation[] = [];
  const open: { operation: WordOperation; applied: boolean }[] = [];
  for (let step = 0; step < 60; step += 1) {
    at += 1;
    const some = open.length > 0 ? random.pick(open) : undefined;
    if (open.length < 3 && (some === undefined || random.chance(0.4))) {
      const input = random.pick([load, store(step * 10), add(3), cas(value, step * 10 + 1)]);
      const operation: WordOperation = {
        client: "c",
        input,
        invoked: at,
        returned: NEVER,
        outcome: "unknown",
        output: undefined,
      };
      operations.push(operation);
      open.push({ operation, applied: false });
    } else if (some !== undefined && !some.applied) {
      some.applied = true;
      const { input } = some.operation;
      some.operation.output = input.op === "store" ? null : value;
      if (input.op === "store") value = input.value;
      if (input.op === "add") value += input.delta;
      if (input.op === "cas" && value === input.expected) value = input.desired;
    } else if (some !== undefined) {
      open.splice(open.indexOf(some), 1);
      // Of one in eight nobody hears.
      if (random.chance(0.125)) continue;
      some.operation.outcome = "done";
      some.operation.returned = at;
    }
  }
  return operations;
}
