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

test("blocks after spinning once a yield took long, until work came often enough to try a yield again", () => {
  const strategy = new IdleStrategy(1, 3);
  const idleRounds = (): number[] => [strategy.next(0), strategy.next(0), strategy.next(0)];
  strategy.yielded(0.01);
  assert.deepEqual(idleRounds(), [SPIN, YIELD, YIELD]);
  strategy.yielded(4);
  assert.deepEqual(strategy.next(0), BLOCK);
  let contended = 0;
  for (; contended < 1000; contended += 1) {
    strategy.next(1);
    if (idleRounds()[1] === YIELD) break;
  }
  assert.ok(contended > 10 && contended < 1000, `${contended}`);
});

test("work after a rest is followed by blocking, until there was more of it", () => {
  const strategy = new IdleStrategy(2, 3);
  for (let i = 0; i < 6; i += 1) strategy.next(0);
  strategy.slept(400);
  const afterWork: number[] = [];
  for (let i = 0; i < 4; i += 1) {
    strategy.next(1);
    afterWork.push(strategy.next(0));
    // Who waits for the answer asks again at once.
    strategy.slept(0.2);
  }
  assert.deepEqual(afterWork, [BLOCK, BLOCK, SPIN, SPIN]);
  strategy.slept(400);
  strategy.next(1);
  assert.equal(strategy.next(0), BLOCK);
});
