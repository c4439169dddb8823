/** The thread of one data-plane worker. Started by target-threads.ts with {@link DataPlaneThreadData}. */
import { parentPort, workerData } from "node:worker_threads";
import type { Address } from "../ports/network.ts";
import { systemClock, systemIdler } from "../system/clock.ts";
import { type MailboxEnd, openMailbox } from "../system/mailbox.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createPoller, createWaker } from "../system/poller.ts";
import { DataPlane } from "../target/data-plane.ts";
import type { FromWorker, ToWorker } from "../target/messages.ts";
import { BLOCK, IdleStrategy, YIELD } from "../transport/idle-strategy.ts";
import { armFailpoints } from "./failpoints.ts";
import { WAIT_MS } from "./loop.ts";
import { type CountersPlace, openCounters } from "./target-counters.ts";

export interface DataPlaneThreadData {
  readonly mailbox: MailboxEnd;
  /** Wakes the control thread. */
  readonly controlWakeDescriptor: number;
  readonly counters: CountersPlace;
  readonly leaseEnd: SharedArrayBuffer;
  /** The sync area, and where this worker's queue lies in it. */
  readonly syncArea: SharedArrayBuffer;
  readonly syncAt: number;
  readonly host: string;
  readonly unixName: string;
  /** What its target is called. */
  readonly service: string;
}

/** What the thread says once it serves. */
export interface DataPlaneThreadReady {
  readonly wakeDescriptor: number;
  readonly tcp: Address;
  readonly unix: Address;
}

/** Rounds without work before the first yield; a round is about a microsecond. */
const SPIN_ROUNDS = 16;
/** Yields before blocking: tens of microseconds in which the next command of a busy client comes at no wake-up. */
const YIELD_ROUNDS = 128;

const data = workerData as DataPlaneThreadData;
armFailpoints(data.service);
const counters = openCounters(data.counters);
const poller = createPoller();
const controlWaker = createWaker(data.controlWakeDescriptor);
const tcp = systemNetwork.listen({ kind: "tcp", host: data.host, port: 0 });
const unix = systemNetwork.listen({ kind: "unix", name: data.unixName });
const plane = new DataPlane({
  memoryPort: systemMemory,
  clock: systemClock,
  poller,
  tcp,
  unix,
  mailbox: openMailbox<FromWorker, ToWorker>(data.mailbox, controlWaker),
  counters: counters.words,
  leaseEnd: new Float64Array(data.leaseEnd),
  sync: { words: new Int32Array(data.syncArea), at: data.syncAt },
});
parentPort?.postMessage({
  wakeDescriptor: poller.wakeDescriptor,
  tcp: tcp.address,
  unix: unix.address,
} satisfies DataPlaneThreadReady);

const idle = new IdleStrategy(SPIN_ROUNDS, YIELD_ROUNDS);
// Never returns to the event loop: everything it waits for is in the poller.
while (!plane.stopped) {
  const next = idle.next(plane.doWork(systemClock.nowMs()));
  if (next === YIELD) {
    const yieldMs = systemClock.nowMs();
    systemIdler.yield();
    idle.yielded(systemClock.nowMs() - yieldMs);
  } else if (next === BLOCK) plane.wait(WAIT_MS);
}
poller.close();
controlWaker.close();
counters.release();
