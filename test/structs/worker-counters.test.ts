import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CONTROL_BLOCK_BYTES,
  type ControlCounts,
  controlAlive,
  controlAliveMs,
  createControlCounters,
  readControlCounts,
  writeControlCounts,
} from "../../src/structs/control-counters.ts";
import { countLatency, LATENCY_WORDS } from "../../src/structs/latency.ts";
import {
  COMMAND_LATENCY,
  COUNTER,
  COUNTER_NAMES,
  claimHeat,
  countOpcode,
  countRefusal,
  createWorkerCounters,
  FLUSH_LATENCY,
  HEAT_COLUMN,
  HEAT_SLOTS,
  heatAt,
  holdsCounts,
  readHeat,
  readOpcodes,
  readRefusals,
  STATUSES,
  WORKER_BLOCK_BYTES,
  workerAlive,
} from "../../src/structs/worker-counters.ts";

/** The words that are not zero, by their place. */
function filled(words: Float64Array): [number, number][] {
  return [...words.entries()].filter(([, value]) => value !== 0);
}

test("golden words of a worker's block", () => {
  const words = createWorkerCounters();
  const halves = new Uint32Array(words.buffer);
  workerAlive(words, 12.5);
  for (const [at, name] of COUNTER_NAMES.entries()) words[COUNTER[name]] = at + 1;
  countOpcode(words, 2);
  countRefusal(words, 50);
  countLatency(words, COMMAND_LATENCY, 1, 1);
  countLatency(words, FLUSH_LATENCY, 2, 1);
  claimHeat(words, halves, 1, 77, 3);
  for (const [name, column] of Object.entries(HEAT_COLUMN)) words[heatAt(1) + column] = name.length;
  assert.deepEqual(filled(words), [
    [0, 12.5],
    // operations, tcpBytesIn, tcpBytesOut, unixBytesIn, unixBytesOut, refused, protocolErrors, syncs, connections, syncFailures,
    // locksHeld, locksWaiting, locksGranted, deadlocks, epochsCommitted, epochConflicts, epochsAborted, epochsUnderWay,
    // epochLogBytes, notified, queues, notificationsWaiting, groups, groupsWaiting
    ...Array.from({ length: 24 }, (_, at) => [8 + at, at + 1]),
    [66, 1],
    [178, 1],
    [256, 1],
    [257 + 175, 1],
    [712, 2],
    [713 + 191, 1],
    [1176, 77],
    // index 3, stamp 1
    [1177, new Float64Array(new Uint32Array([3, 1]).buffer)[0]],
    [1178, "gets".length],
    [1179, "gotBytes".length],
    [1180, "puts".length],
    [1181, "putBytes".length],
    [1182, "atomics".length],
    [1183, "flushes".length],
  ]);
});

test("golden words of the control thread's block", () => {
  const words = createControlCounters();
  const counts: ControlCounts = {
    sessions: 1,
    mappings: 2,
    mappedBytes: 3,
    failedRegions: 4,
    violations: 5,
    faults: 6,
    capabilitiesRefused: 7,
    capabilitiesExpired: 8,
    capabilitiesRevoked: 9,
    capabilitiesExceeded: 10,
  };
  controlAlive(words, 0.5);
  writeControlCounts(words, counts);
  assert.equal(words.byteLength, CONTROL_BLOCK_BYTES);
  assert.deepEqual(filled(words), [[0, 0.5], ...Array.from({ length: 10 }, (_, at) => [8 + at, at + 1])]);
  assert.deepEqual(readControlCounts(words), counts);
  assert.equal(controlAliveMs(words), 0.5);
});

test("the parts of a block follow each other and fit it", () => {
  const ends = [
    [Math.max(...Object.values(COUNTER)) + 1, 64],
    [COMMAND_LATENCY + LATENCY_WORDS, FLUSH_LATENCY],
    [FLUSH_LATENCY + LATENCY_WORDS, heatAt(0)],
    [heatAt(HEAT_SLOTS), WORKER_BLOCK_BYTES / 8],
  ] as const;
  for (const [end, next] of ends) assert.ok(end <= next, `${end} ${next}`);
  // A slot is a line.
  assert.ok(heatAt(0) % 8 === 0 && heatAt(1) - heatAt(0) === 8);
});

test("opcodes and statuses that there are not reach no other count", () => {
  const words = createWorkerCounters();
  countOpcode(words, 64 + 3);
  countRefusal(words, STATUSES + 5);
  assert.equal(readOpcodes(words)[3], 1);
  assert.equal(readRefusals(words)[5], 1);
  assert.equal(filled(words).length, 2);
});

test("a slot that changes hands begins at 0, with another stamp", () => {
  const words = createWorkerCounters();
  const halves = new Uint32Array(words.buffer);
  claimHeat(words, halves, 9, 5, 2);
  words[heatAt(9) + HEAT_COLUMN.gets] = 4;
  assert.deepEqual(
    [readHeat(words, halves, 9)].map(({ inode, index, stamp, gets }) => ({ inode, index, stamp, gets })),
    [{ inode: 5, index: 2, stamp: 1, gets: 4 }],
  );
  claimHeat(words, halves, 9, 6, 0);
  const { inode, index, stamp, gets } = readHeat(words, halves, 9);
  assert.deepEqual({ inode, index, stamp, gets }, { inode: 6, index: 0, stamp: 2, gets: 0 });
});

test("what is no count is noticed wherever it lies, but for the packed words of the slots", () => {
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 53]) {
    for (const at of [0, 8, 34, 100, 176, 700, 1168, 1170, 1176, 1183, 3216, 3583]) {
      const words = createWorkerCounters();
      assert.ok(holdsCounts(words));
      words[at] = value;
      assert.ok(!holdsCounts(words), `${value} at ${at}`);
    }
  }
  const words = createWorkerCounters();
  words[heatAt(3) + 1] = Number.NaN;
  assert.ok(holdsCounts(words));
});
