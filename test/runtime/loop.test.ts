/** What a control loop does while nobody asks for anything: counted, on a clock and a poller of the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Poller } from "../../src/ports/poller.ts";
import { runControlLoop, WAIT_MS } from "../../src/runtime/loop.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimPoller } from "../../src/sim/poller.ts";

/** A poller whose waits take their whole time, on the clock, unless something has come. */
class SleepingPoller extends SimPoller implements Poller {
  readonly waits: number[] = [];
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    super();
    this.#clock = clock;
  }

  override wait(timeoutMs: number): number {
    this.waits.push(timeoutMs);
    this.#clock.advance(timeoutMs);
    return 0;
  }
}

/** Steps an agent that is due every `everyMs` until that much time has passed. @returns its rounds, and the poller's waits */
async function idleFor(
  forMs: number,
  agent: { everyMs: number; busy?: boolean; neverActs?: boolean },
): Promise<{ rounds: number; waits: number[]; lateMsMax: number }> {
  const clock = new SimClock();
  const poller = new SleepingPoller(clock);
  const stop = new AbortController();
  const startMs = clock.nowMs();
  let dueMs = startMs + agent.everyMs;
  let [rounds, lateMsMax] = [0, 0];
  const stepped = {
    busy: () => agent.busy === true,
    dueMs: () => dueMs,
    doWork(nowMs: number): number {
      rounds += 1;
      if (nowMs - startMs >= forMs || rounds > 100_000) stop.abort();
      if (nowMs < dueMs || agent.neverActs === true) return 0;
      lateMsMax = Math.max(lateMsMax, nowMs - dueMs);
      dueMs = nowMs + agent.everyMs;
      return 1;
    },
  };
  await runControlLoop(stepped, poller, clock, stop.signal);
  return { rounds, waits: poller.waits, lateMsMax };
}

test("an idle loop waits until it is due, not in small steps", async () => {
  const { rounds, waits, lateMsMax } = await idleFor(60_000, { everyMs: 500 });
  // 120 times due. A loop that looked every 200 ms, or polled after each piece of work, has hundreds of rounds more.
  assert.ok(rounds < 120 * 3, `${rounds} rounds`);
  assert.ok(waits.length < 120 * 2, `${waits.length} waits`);
  assert.ok(lateMsMax < 1, `${lateMsMax} ms late`);
});

test("one that is never due looks up now and then, for what only the event loop knows", async () => {
  const { waits } = await idleFor(60 * WAIT_MS, { everyMs: Number.POSITIVE_INFINITY });
  const long = waits.filter((wait) => wait === WAIT_MS);
  assert.ok(long.length >= 59 && waits.length < 70, `${waits.length} waits`);
});

test("while a promise is under way whose end wakes nobody, it waits a moment only", async () => {
  const { waits } = await idleFor(50, { everyMs: Number.POSITIVE_INFINITY, busy: true });
  assert.ok(Math.max(...waits) <= 1, `${Math.max(...waits)} ms`);
});

test("an agent that is due and does nothing does not keep the processor busy", async () => {
  const { rounds } = await idleFor(1000, { everyMs: 0, neverActs: true });
  assert.ok(rounds < 1100, `${rounds} rounds`);
});
