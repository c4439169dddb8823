/**
 * Notifications of all kinds, in a process of its own with so much room for young objects that none is collected: what the
 * heap grows by is what was allocated. Says as JSON how much that was, by load.
 */
import { writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { ANY, type QueueClaim } from "../../src/epoch/notification-queue.ts";
import { NotificationTable } from "../../src/epoch/notification-table.ts";

const NOTIFICATIONS = Number(process.argv[2]);
const TURNS = 10;
const BATCH = 64;
const PRODUCERS = 4;

const table = new NotificationTable<object>();
const waiter = {};
let answers = 0;

function carryOut(): void {
  answers += table.actions.count;
  table.actions.clear();
}

function open(region: string, claim: Partial<QueueClaim> = {}): void {
  const whole = { session: 1, id: table.queueCount, handle: 1, region, at: 0, end: 2 ** 30 };
  table.open({ ...whole, source: ANY, tag: ANY, kind: "list", capacity: BATCH, ...claim }, waiter);
  carryOut();
}

function notify(region: string, i: number, at = i * 8): void {
  table.notify(region, 2 + (i % PRODUCERS), at, 8, 2, i, waiter);
  carryOut();
}

function next(id: number, waitMs: number): void {
  table.next(1, id, BATCH, waitMs, waiter, 0);
  carryOut();
}

open("elsewhere");
for (let i = 0; i < 8; i += 1)
  open("filtered", { source: i % 2 === 0 ? 7 : ANY, at: i % 2 === 0 ? 0 : 2 ** 29 });
open("roomy");
open("awaited");
open("narrow", { capacity: 1 });
open("several", { capacity: 2 });
open("several", { capacity: 1 });
open("counted", { kind: "count" });
open("far", { at: 2 ** 40, end: 2 ** 50 });
const [roomy, awaited, narrow, several, counted, far] = [9, 10, 11, 12, 14, 15];

/** Each does BATCH notifications. */
const loads: Record<string, () => void> = {
  "a region without queues": () => {
    for (let i = 0; i < BATCH; i += 1) notify("nobody's", i);
  },
  "queues that do not match": () => {
    for (let i = 0; i < BATCH; i += 1) notify("filtered", i);
  },
  "a queue that has room": () => {
    for (let i = 0; i < BATCH; i += 1) notify("roomy", i);
    next(roomy, 0);
  },
  "a consumer that waits": () => {
    for (let i = 0; i < BATCH; i += 1) {
      next(awaited, 1000);
      notify("awaited", i);
    }
  },
  "a queue that is full": () => {
    for (let i = 0; i < BATCH; i += 1) notify("narrow", i);
    for (let i = 0; i < BATCH; i += 1) next(narrow, 0);
  },
  "two queues that are full": () => {
    for (let i = 0; i < BATCH; i += 1) notify("several", i);
    for (let i = 0; i < BATCH; i += 1) {
      next(several, 0);
      next(several + 1, 0);
    }
  },
  "a queue that counts": () => {
    for (let i = 0; i < BATCH; i += 1) notify("counted", i);
    next(counted, 0);
  },
  "far away in a region": () => {
    for (let i = 0; i < BATCH; i += 1) notify("far", i, 2 ** 45 + i);
    next(far, 0);
  },
};
const all = Object.entries(loads);
for (let round = 0; round < 1000; round += 1) for (const [, load] of all) load();
const rounds = Math.ceil(NOTIFICATIONS / all.length / TURNS / BATCH);
const allocated = new Float64Array(all.length);
memoryUsage();
const before = answers;
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [i, [, load]] of all.entries()) {
    const heap = memoryUsage().heapUsed;
    for (let round = 0; round < rounds; round += 1) load();
    allocated[i] = (allocated[i] as number) + memoryUsage().heapUsed - heap;
  }
}
const notifications = rounds * TURNS * BATCH;
const results = all.map(([name], i) => ({ name, notifications, bytes: allocated[i] }));
// Without it the measure itself would be in doubt.
const heap = memoryUsage().heapUsed;
const kept: object[] = [];
for (let i = 0; i < notifications; i += 1) kept.push({ i });
results.push({ name: "objects", notifications: kept.length, bytes: memoryUsage().heapUsed - heap });
writeSync(1, JSON.stringify({ results, answers: answers - before, waiting: table.waitingCount }));
