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

/** What a control loop steps. */
export interface ControlAgent extends Agent {
  /** A promise is under way (a commit, say) whose end ends no wait of the poller. */
  busy(): boolean;
  /** When it is to be stepped though nothing comes that ends a wait of the poller; in the past: at once. */
  dueMs(): number;
}

/**
 * Longest wait of a service's thread, though nothing is due: bounds how late the event loop's own work, timers for example, can
 * be, and after which silence a thread is known to hang.
 */
export const WAIT_MS = 4000;
/** Shortest wait, so that a loop whose agent is due and does nothing leaves the processor to others. */
const WAIT_MS_MIN = 1;

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
 * then it blocks in the poller until something comes or the agent is due. Work that comes alone is followed by another step
 * only where that is due: most of what an idle service uses would be steps for nothing.
 */
export async function runControlLoop(
  agent: ControlAgent,
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
    // Promises that the step has settled go on: what they leave to do is due.
    await turnOfTheEventLoop();
    if (next === YIELD) idle.yielded(yieldFor(clock));
    else if ((next === BLOCK || idle.resting) && !stopping.aborted) {
      const sleepMs = clock.nowMs();
      const leftMs = agent.dueMs() - sleepMs;
      if (work > 0 && leftMs <= 0) continue;
      poller.wait(agent.busy() ? WAIT_MS_MIN : waitFor(leftMs, waitMs));
      idle.slept(clock.nowMs() - sleepMs);
    }
  }
}

function waitFor(leftMs: number, waitMsMax: number): number {
  return Math.min(Math.max(leftMs, WAIT_MS_MIN), waitMsMax);
}

/** Longest wait while something is to end: nobody should wait for the poller. */
const ENDING_WAIT_MS = 5;

/** Steps a control agent until `done` settles, at most `limitMs`. @throws what `done` rejects with */
export async function runUntil(
  agent: ControlAgent,
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
