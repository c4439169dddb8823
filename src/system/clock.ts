import type { Clock, Idler } from "../ports/clock.ts";
import type { Source } from "../ports/poller.ts";
import { clockGettime, schedYield } from "./libc.ts";
import { waitReadable } from "./wait-readable.ts";

/** <linux/time.h>: goes on while the machine is suspended, as leases do at their other side. Node's clocks stand still. */
const CLOCK_BOOTTIME = 7;

const time = new Uint32Array(4);

function sinceBootMs(): number {
  clockGettime(CLOCK_BOOTTIME, time);
  return (time[0] as number) * 1000 + (time[2] as number) / 1e6;
}

/** The machine's clock. `nowMs` is comparable between the threads and processes of one machine. */
export const systemClock: Clock = {
  nowMs: sinceBootMs,
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
