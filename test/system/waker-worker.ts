import { parentPort, workerData } from "node:worker_threads";
import { createWaker } from "../../src/system/poller.ts";

/** Wakes a poller of another thread 50 ms after `start` was rung. */
const { wakeDescriptor, start } = workerData as { wakeDescriptor: number; start: Int32Array };
const waker = createWaker(wakeDescriptor);
parentPort?.postMessage("ready");
Atomics.wait(start, 0, 0, 10_000);
Atomics.wait(start, 0, 1, 50);
waker.wake();
waker.close();
