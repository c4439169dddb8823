import type { Clock } from "../ports/clock.ts";
import type { Poller } from "../ports/poller.ts";
import { Histogram } from "../std/histogram.ts";
import { systemIdler } from "../system/clock.ts";
import { BLOCK, IdleStrategy, YIELD } from "../transport/idle-strategy.ts";

/** Something that is stepped: does what can be done now, without blocking. */
export interface Agent {
  /** @returns how much was done; 0 when there was nothing to do */
  doWork(nowMs: number): number;
}

/** Longest wait of a control loop: bounds how late timeouts and the event loop's own work can be. */
const WAIT_MS = 200;

/** Seconds that steps took which did work, of all control loops of this thread. */
export const loopSteps: Histogram = new Histogram([0.001, 0.01, 0.1, 1, 10]);

/** Rounds without work before the first yield; a round, with its turn of the event loop, takes about 5 us. */
const SPIN_ROUNDS = 4;
/** Yields before blocking: a tenth of a millisecond, in which whoever asks again at once needs nobody woken. */
const YIELD_ROUNDS = 20;
/** What another control loop does in one round takes less. */
const CONTENDED_MS = 0.15;

const turnOfTheEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets others run. @returns how long that took, in ms */
function yieldFor(clock: Clock): number {
  const startMs = clock.nowMs();
  systemIdler.yield();
  return clock.nowMs() - startMs;
}

/**
 * Steps a control agent until `stopping`: while there is work, and for a moment after it, once a turn of the event loop;
 * then it blocks in the poller. `busy()` tells that a promise is under way (a commit, say), so that the loop must not block.
 */
export async function runControlLoop(
  agent: Agent & { busy(): boolean },
  poller: Poller,
  clock: Clock,
  stopping: AbortSignal,
  waitMs: number = WAIT_MS,
): Promise<void> {
  const idle = new IdleStrategy(SPIN_ROUNDS, YIELD_ROUNDS, CONTENDED_MS);
  while (!stopping.aborted) {
    const startMs = clock.nowMs();
    const work = agent.doWork(startMs);
    if (work > 0) loopSteps.observe((clock.nowMs() - startMs) / 1000);
    const next = idle.next(work);
    if (next === YIELD) idle.yielded(yieldFor(clock));
    else if (next === BLOCK) poller.wait(agent.busy() ? 1 : waitMs);
    await turnOfTheEventLoop();
  }
}

/** Longest wait while something is to end: nobody should wait for the poller. */
const ENDING_WAIT_MS = 5;

/** Steps a control agent until `done` settles, at most `limitMs`. @throws what `done` rejects with */
export async function runUntil(
  agent: Agent & { busy(): boolean },
  poller: Poller,
  clock: Clock,
  done: Promise<void>,
  limitMs: number,
): Promise<void> {
  const settled = new AbortController();
  const finished = done.finally(() => settled.abort());
  finished.catch(() => {});
  const patience = AbortSignal.any([settled.signal, AbortSignal.timeout(limitMs)]);
  await runControlLoop(agent, poller, clock, patience, ENDING_WAIT_MS);
  if (settled.signal.aborted) await finished;
}
