/**
 * What a command costs a data-plane worker, by kind, run by hand: `node test/target/measure-worker.ts [depth]`. Worker
 * and client take turns on one thread, so only the worker's own steps are timed, in processor time: what else runs on
 * the machine does not count.
 */
import { memoryUsage, threadCpuUsage } from "node:process";
import { LOAD_BYTES, LOADS } from "./loads.ts";
import { RealPlane } from "./real-plane.ts";
import { SteadyClient } from "./steady-client.ts";

const depth = Number(process.argv[2] ?? 64);
const only = process.argv[3];
const COMMANDS = 400_000;

for (const [name, load] of Object.entries(LOADS)) {
  if (only !== undefined && !name.includes(only)) continue;
  const worker = new RealPlane(`measure ${process.pid} ${name}`, LOAD_BYTES);
  const client = new SteadyClient(worker.connect(), worker.token, load(depth));
  while (!client.greeted()) worker.plane.doWork(0);
  const run = (batches: number): { us: number; steps: number } => {
    let us = 0;
    let steps = 0;
    const end = client.batches + batches;
    while (client.batches < end) {
      client.advance();
      const before = threadCpuUsage();
      let work: number;
      do {
        work = worker.plane.doWork(0);
        steps += 1;
      } while (work > 0);
      const after = threadCpuUsage(before);
      us += after.user + after.system;
      client.advance();
    }
    return { us, steps };
  };
  run(Math.ceil(100_000 / depth));
  const heap = memoryUsage().heapUsed;
  const batches = Math.ceil(COMMANDS / depth);
  const { us, steps } = run(batches);
  const commands = batches * depth;
  console.log(
    `${name.padEnd(10)} ${((us * 1000) / commands).toFixed(0).padStart(6)} ns/command ${(commands / us).toFixed(2).padStart(6)} M/s  ${(steps / batches).toFixed(1)} steps/batch  heap ${memoryUsage().heapUsed - heap}`,
  );
  client.close();
  worker.close();
}
