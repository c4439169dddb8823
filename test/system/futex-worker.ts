import { parentPort, workerData } from "node:worker_threads";
import { futexWait } from "../../src/system/futex.ts";

/** Sleeps once on a word that holds 1. */
const { address } = workerData as { address: number };
parentPort?.postMessage("ready");
parentPort?.postMessage(futexWait(address, 1, 10_000));
