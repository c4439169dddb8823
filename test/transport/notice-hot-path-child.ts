/**
 * Notifications through a board, in a process of its own with so much room for young objects that none is collected: what the
 * heap grows by is what was allocated. Says as JSON how much that was, by load.
 */
import { writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { SimMemory } from "../../src/sim/memory.ts";
import {
  BOARD_BYTES,
  changeQueues,
  giveLane,
  RING_SLOTS,
  setBoardQueue,
  setTakenCount,
} from "../../src/structs/notice-board.ts";
import { NoticeReader } from "../../src/transport/notice-reader.ts";
import { NOBODY, NoticeWriter, WORKER } from "../../src/transport/notice-writer.ts";

const NOTIFICATIONS = Number(process.argv[2]);
const TURNS = 10;
const END = 2 ** 29;
const FAR = 2 ** 40;
const RANGE = { at: 0, end: END, tag: undefined };

const memory = new SimMemory().allocate(BOARD_BYTES);
const { i32: words, u8: bytes } = memory;
for (let lane = 0; lane < 2; lane += 1) giveLane(words, bytes, lane, new Uint8Array(32).fill(1 + lane));
changeQueues(words, () => {
  setBoardQueue(words, 0, { ...RANGE, room: 64 });
  setBoardQueue(words, 1, { at: END, end: 2 * END, tag: undefined, room: 64 });
  setBoardQueue(words, 2, { at: FAR, end: 2 * FAR, tag: undefined, room: 64 });
});
const writer = new NoticeWriter(words, 0);
const reader = new NoticeReader(() => memory, 0, RANGE);
let taken = 0;
let takenFar = 0;
let heard = 0;

function check(isRight: boolean): void {
  if (!isRight) throw new Error("this is not what was to be measured");
}

function tell(at: number, tag: number, expected: number): void {
  const route = writer.route(at, 8, tag);
  check(route === expected);
  if (route === WORKER) return;
  check(writer.tell(route, at, 8, 0, tag) && !writer.isAsleep(route));
}

/** Each does RING_SLOTS notifications. */
const loads: Record<string, () => void> = {
  "who tells": () => {
    for (let i = 0; i < RING_SLOTS; i += 1) tell(END + i * 8, i, 1);
    taken = (taken + RING_SLOTS) | 0;
    setTakenCount(words, 1, 0, taken);
  },
  "who tells of what is far away": () => {
    for (let i = 0; i < RING_SLOTS; i += 1) tell(FAR + i * 8, i, 2);
    takenFar = (takenFar + RING_SLOTS) | 0;
    setTakenCount(words, 2, 0, takenFar);
  },
  "who tells of nobody's": () => {
    for (let i = 0; i < RING_SLOTS; i += 1) tell(2 * END + i, i, NOBODY);
  },
  "who is refused": () => {
    // In neither queue alone.
    for (let i = 0; i < RING_SLOTS; i += 1) tell(END - 4, i, WORKER);
  },
  "who looks, and finds nothing": () => {
    for (let i = 0; i < RING_SLOTS; i += 1) check(!reader.hasNews && !reader.isBehind);
    for (let i = 0; i < RING_SLOTS; i += 1) check(reader.next() === undefined);
  },
  "who tells, and who is told": () => {
    for (let i = 0; i < RING_SLOTS; i += 1) tell(i * 8, i, 0);
    for (let i = 0; i < RING_SLOTS; i += 1) {
      const notice = reader.next();
      check(notice !== undefined && notice.tag === i);
      heard += 1;
    }
  },
};
const all = Object.entries(loads);
for (let round = 0; round < 1000; round += 1) for (const [, load] of all) load();
const rounds = Math.ceil(NOTIFICATIONS / all.length / TURNS / RING_SLOTS);
const allocated = new Float64Array(all.length);
memoryUsage();
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [i, [, load]] of all.entries()) {
    const heap = memoryUsage().heapUsed;
    for (let round = 0; round < rounds; round += 1) load();
    allocated[i] = (allocated[i] as number) + memoryUsage().heapUsed - heap;
  }
}
const notifications = rounds * TURNS * RING_SLOTS;
const results = all.map(([name], i) => ({ name, notifications, bytes: allocated[i] }));
// Without it the measure itself would be in doubt.
const kept: object[] = new Array(notifications);
const heap = memoryUsage().heapUsed;
for (let i = 0; i < notifications; i += 1)
  kept[i] = { at: i, before: 0, length: 8, tag: i, source: "", sequence: i, stamp: i };
results.push({
  name: "an object like a notice",
  notifications: kept.length,
  bytes: memoryUsage().heapUsed - heap,
});
check(heard >= notifications);
writeSync(1, JSON.stringify(results));
