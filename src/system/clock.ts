import type { Clock, Idler } from "../ports/clock.ts";
import type { Source } from "../ports/poller.ts";
import { schedYield } from "./libc.ts";
import { waitReadable } from "./wait-readable.ts";

/** The machine's clock. `nowMs` begins at 0 with the process, and in a worker thread with the thread. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
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
