/** Alternates two 32-bit halves of a word, one after the other, until told to stop. */
import { parentPort, workerData } from "node:worker_threads";
import { connect } from "../../src/index.ts";

const { url, stop } = workerData as { url: string; stop: Int32Array<SharedArrayBuffer> };
await using cluster = await connect(url);
await using file = await cluster.open("/hammer");
await using window = await file.window({ rights: "rw", sharing: "raw" });
const halves = window.view(Uint32Array, 64, 2);
parentPort?.postMessage("running");
for (let i = 1; Atomics.load(stop, 0) === 0; i++) {
  for (let j = 0; j < 1000; j++) {
    halves[0] = i + j;
    halves[1] = i + j;
  }
}
