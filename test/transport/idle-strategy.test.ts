import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCK, IdleStrategy, SPIN, YIELD } from "../../src/transport/idle-strategy.ts";

test("spins, yields, then blocks until there is work again", () => {
  const strategy = new IdleStrategy(2, 3);
  const rounds = (works: number[]): number[] => works.map((work) => strategy.next(work));
  assert.deepEqual(rounds([0, 0, 0, 0, 0, 0, 0]), [SPIN, SPIN, YIELD, YIELD, YIELD, BLOCK, BLOCK]);
  assert.deepEqual(rounds([4, 0, 0, 0]), [SPIN, SPIN, SPIN, YIELD]);
  assert.deepEqual(rounds([1, 0]), [SPIN, SPIN]);
});
