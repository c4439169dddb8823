import type { Clock } from "../ports/clock.ts";
import type { Poller } from "../ports/poller.ts";

/** Something that is stepped: does what can be done now, without blocking. */
export interface Agent {
  /** @returns how much was done; 0 when there was nothing to do */
  doWork(nowMs: number): number;
}

/** Longest wait of a control loop: bounds how late timeouts and the event loop's own work can be. */
const WAIT_MS = 200;

const turnOfTheEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Steps a control agent until `stopping`: while there is work, once a turn of the event loop; else it blocks in the
 * poller. `busy()` tells that a promise is under way (a commit, say), so that the loop must not block.
 */
export async function runControlLoop(
  agent: Agent & { busy(): boolean },
  poller: Poller,
  clock: Clock,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const work = agent.doWork(clock.nowMs());
    if (work === 0) poller.wait(agent.busy() ? 1 : WAIT_MS);
    await turnOfTheEventLoop();
  }
}
