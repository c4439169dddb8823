/**
 * A worker under mixed load on real sockets, in a process of its own with so much room for young objects that none is
 * collected: what the heap grows by is what was allocated. Says as JSON, a line each: how much that was, by load.
 */
import { writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { COUNTING, LOAD_BYTES, LOADS } from "./loads.ts";
import { RealPlane } from "./real-plane.ts";
import { type Batch, SteadyClient } from "./steady-client.ts";

const DEPTH = 64;
const COMMANDS = Number(process.argv[2]);
const WARM_UP_ROUNDS = 400;
const TURNS = 10;

const worker = new RealPlane(`hot path ${process.pid}`, LOAD_BYTES);
const names = Object.keys(LOADS);
const clients = names.map((name, i) => {
  const client = new SteadyClient(
    worker.connect(i % 2 === 0 ? "tcp" : "unix"),
    worker.token,
    (LOADS[name] as (depth: number) => Batch)(DEPTH),
  );
  while (!client.greeted()) worker.plane.doWork(0);
  return client;
});

/** Batches of one client, while the others are quiet. */
function run(client: SteadyClient, batches: number): void {
  const end = client.batches + batches;
  while (client.batches < end) {
    client.advance();
    worker.plane.doWork(0);
  }
}

// Once: the number is taken then.
const counting = new SteadyClient(worker.connect(), worker.token, COUNTING);
while (!counting.greeted()) worker.plane.doWork(0);
run(counting, 1);
for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
  for (const client of clients) run(client, 5);
}
// Closing one is part of the warm-up: the engine takes fields that never changed for constants.
const passing = new SteadyClient(
  worker.connect(),
  worker.token,
  (LOADS["get 8 B"] as (depth: number) => Batch)(1),
);
while (!passing.greeted()) worker.plane.doWork(0);
passing.close();
for (let round = 0; round < 100; round += 1) {
  worker.plane.doWork(0);
  for (const client of clients) run(client, 5);
}
// From here on whatever turns out other than the engine assumed is written out.
setFlagsFromString("--trace-deopt");
setFlagsFromString("--trace-gc");
const batches = Math.ceil(COMMANDS / DEPTH / TURNS / names.length);
const allocated = new Float64Array(names.length);
memoryUsage();
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [i, client] of clients.entries()) {
    const before = memoryUsage().heapUsed;
    run(client, batches);
    allocated[i] = (allocated[i] as number) + memoryUsage().heapUsed - before;
  }
}
const commands = batches * TURNS * DEPTH;
const results = names.map((name, i) => ({ name, commands, bytes: allocated[i] as number }));
writeSync(1, `\nRESULT ${JSON.stringify(results)}\n`);
/** Code that is thrown away once its argument is of another kind, to show that it would be said. */
function canary(value: unknown): unknown {
  return (value as number) + 1;
}
function wakeCanary(): void {
  for (let i = 0; i < 2_000_000; i += 1) canary(i);
  canary("a word");
}
wakeCanary();
// Nothing is closed: that would be traced too.
process.exit(0);
