import type { Clock, Idler } from "../ports/clock.ts";
import type { Source } from "../ports/poller.ts";
import { schedYield } from "./libc.ts";
import { waitReadable } from "./wait-readable.ts";

/** performance.now() begins with the thread; hrtime does not, and both read CLOCK_MONOTONIC. */
const THREAD_STARTED_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's clock. `nowMs` is comparable between the threads and processes of one machine. */
export const systemClock: Clock = {
  nowMs: () => THREAD_STARTED_MS + performance.now(),
  wallMs: () => Date.now(),
};

export const systemIdler: Idler = {
  yield: () => {
    schedYield();
  },
  waitReadable: (source: Source, timeoutMs: number) => {
    waitReadable(source.descriptor, timeoutMs);
  },
};
