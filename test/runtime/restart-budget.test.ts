import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartBudget } from "../../src/runtime/restart-budget.ts";

test("delays double with each failure of the window, the fifth is the last", () => {
  const budget = new RestartBudget();
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((atMs) => budget.failed(atMs)),
    [100, 200, 400, 800, undefined],
  );
});

test("failures that lie 30 s back no longer count", () => {
  const budget = new RestartBudget();
  for (let turn = 0; turn < 100; turn += 1) assert.notEqual(budget.failed(turn * 8_000), undefined);
  assert.equal(budget.failed(10_000_000), 100);
});
