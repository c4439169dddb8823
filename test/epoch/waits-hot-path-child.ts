/**
 * Barriers and writes beside waits for words, in a process of its own with so much room for young objects that none is
 * collected: what the heap grows by is what was allocated. Says as JSON how much that was, by load.
 */
import { writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { ANY_RANK } from "../../src/epoch/group.ts";
import { GroupTable } from "../../src/epoch/group-table.ts";
import { WordWaits } from "../../src/epoch/word-waits.ts";

const CALLS = Number(process.argv[2]);
const TURNS = 10;
const MEMBERS = 64;

const waiter = {};
const groups = new GroupTable<object>();
for (let session = 0; session < MEMBERS; session += 1)
  groups.join({ session, name: "all", size: MEMBERS, rank: ANY_RANK }, 1000, waiter, 0);
groups.actions.clear();
let round = 0;
let passed = 0;

const words = new WordWaits<object>((_, _at, _bytes, into) => {
  into[0] = 0;
  into[1] = 0;
});
for (const at of [0, 64])
  words.wait({ session: 1, handle: 1, region: "watched", at, bytes: 8, low: 0, high: 0 }, 1000, waiter, 0);
let watched = 0;

/** Each makes as many calls as a group has members. */
const loads: Record<string, () => void> = {
  barriers: () => {
    // As a clock's time: no small integer.
    const nowMs = round + 0.5;
    for (let session = 0; session < MEMBERS; session += 1)
      groups.barrier(session, 0, round, 30_000, waiter, nowMs);
    round += 1;
    passed += groups.actions.count;
    groups.actions.clear();
  },
  "writes to a region that nobody watches": () => {
    for (let i = 0; i < MEMBERS; i += 1) if (words.isWatched("nobody's")) watched += 1;
  },
  "writes beside a word": () => {
    for (let i = 0; i < MEMBERS; i += 1) if (words.isWatched("watched")) words.touched("watched", 128, 8);
  },
  "writes that leave a word as it was": () => {
    for (let i = 0; i < MEMBERS; i += 1) if (words.isWatched("watched")) words.touched("watched", 0, 8);
  },
};
const all = Object.entries(loads);
for (let i = 0; i < 1000; i += 1) for (const [, load] of all) load();
const rounds = Math.ceil(CALLS / all.length / TURNS / MEMBERS);
const allocated = new Float64Array(all.length);
memoryUsage();
const before = passed;
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [i, [, load]] of all.entries()) {
    const heap = memoryUsage().heapUsed;
    for (let done = 0; done < rounds; done += 1) load();
    allocated[i] = (allocated[i] as number) + memoryUsage().heapUsed - heap;
  }
}
const calls = rounds * TURNS * MEMBERS;
const results = all.map(([name], i) => ({ name, calls, bytes: allocated[i] }));
// Without it the measure itself would be in doubt.
const heap = memoryUsage().heapUsed;
const kept: object[] = [];
for (let i = 0; i < calls; i += 1) kept.push({ i });
results.push({ name: "objects", calls: kept.length, bytes: memoryUsage().heapUsed - heap });
const isRight = watched === 0 && words.count === 2 && words.actions.count === 0;
writeSync(1, JSON.stringify({ results, passed: passed - before, isRight }));
