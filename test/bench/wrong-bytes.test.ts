/** Canaries: a bench that would not notice wrong bytes or a dead case measures nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openModule } from "../../bench/harness/module-case.ts";
import type { Row } from "../../bench/harness/row.ts";
import { runBench } from "../../bench/run-bench.ts";
import { exitRow } from "../../src/cli/exit-codes.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const SETTINGS = { rounds: 2, roundMs: 2, warmUpMs: 1 };

function rowOf(fixture: string, wrong: Record<string, number> = {}): Row {
  const parameters = { words: 16, batchOps: 8, moves: "get", ...wrong };
  const module = new URL(`./fixtures/${fixture}.ts`, import.meta.url).href;
  return {
    id: "T1",
    title: "a row of the test",
    setting: "16 words",
    compare: "meanNs",
    cases: [
      {
        id: "case",
        name: "case",
        mode: "test",
        role: "didafs",
        does: "get",
        open: openModule(module, parameters),
      },
    ],
    targets: [{ line: "case", bound: { kind: "time", figure: "meanNs", ns: 1e9 } }],
  };
}

function bench(row: Row): Promise<unknown> {
  return runBench([row], SETTINGS, AbortSignal.timeout(20_000));
}

test("a case that moves the right bytes passes", async () => {
  await bench(rowOf("wrong-bytes", { sum: 0, bytes: 0 }));
});

test("wrong bytes at the end of a round fail the bench, with an exit code of their own", async () => {
  const wrong = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");
  await assert.rejects(bench(rowOf("wrong-bytes", { sum: 0, bytes: 1 })), wrong);
  assert.equal(exitRow("ERR_CORRUPT").exit, 12);
});

test("a wrong word read in between fails the bench", async () => {
  const wrong = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");
  await assert.rejects(bench(rowOf("wrong-bytes", { sum: 1, bytes: 0 })), wrong);
});

test("a case whose process ends fails the bench and is named", async () => {
  await assert.rejects(bench(rowOf("dying")), /T1-case ended \(exit code 7\)/);
});
