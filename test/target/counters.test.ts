import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import { latencyCount, latencyPercentile, readLatency } from "../../src/structs/latency.ts";
import {
  COMMAND_LATENCY,
  FLUSH_LATENCY,
  readHeat,
  readOpcodes,
  readRefusals,
  workerAliveMs,
} from "../../src/structs/worker-counters.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE, opFlags } from "../../src/wire/ops.ts";
import { command, READ_ONLY, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 1 << 20;

function serving(kind: "tcp" | "unix" = "tcp") {
  const fixture = new WorkerFixture();
  const token = fixture.openSession(1);
  for (const [handle, inode] of [
    [1, 7],
    [2, 8],
  ] as const) {
    const region = { inode, byteLength: BYTES, ...fixture.createRegion(inode, BYTES) };
    const rights = inode === 7 ? READ_WRITE : READ_ONLY;
    assert.equal(fixture.bind(1, handle, region, { at: 0, byteLength: BYTES }, rights), 0);
  }
  const halves = new Uint32Array(fixture.counters.buffer);
  const heat = (slot: number) => {
    const { stamp: _, index: __, ...counts } = readHeat(fixture.counters, halves, slot);
    return counts;
  };
  const latency = (at: number) => readLatency(fixture.counters, at);
  return { fixture, client: fixture.enter(1, token, kind), heat, latency };
}

const NOTHING = { gets: 0, gotBytes: 0, puts: 0, putBytes: 0, atomics: 0, flushes: 0 };

test("commands are counted by opcode, and by region with their bytes", () => {
  const { fixture, client, heat } = serving();
  const payload = new Uint8Array(100);
  client.call({ opcode: OPCODE.GET, handle: 1, length: 8 });
  client.call({ opcode: OPCODE.GET, handle: 2, length: 4096 });
  client.call({ opcode: OPCODE.PUT, handle: 1, length: 100, payload });
  client.call({
    opcode: OPCODE.ACCUMULATE,
    flags: opFlags(0, 0),
    handle: 1,
    length: 16,
    payload: payload.subarray(0, 16),
  });
  client.call({ opcode: OPCODE.FETCH_OP, flags: opFlags(0, 0), handle: 1, length: 8, operand: 1n });
  client.call({ opcode: OPCODE.COMPARE_AND_SWAP, handle: 1, length: 8 });
  client.call({ opcode: OPCODE.FLUSH, handle: 1 });
  const opcodes = readOpcodes(fixture.counters);
  assert.deepEqual([...opcodes.subarray(0, 8)], [0, 0, 2, 1, 1, 1, 1, 1]);
  assert.equal(fixture.count("operations"), 7);
  assert.deepEqual(heat(1), {
    inode: 7,
    gets: 1,
    gotBytes: 8,
    puts: 2,
    putBytes: 116,
    atomics: 2,
    flushes: 1,
  });
  assert.deepEqual(heat(2), { ...NOTHING, inode: 8, gets: 1, gotBytes: 4096 });
  assert.deepEqual(heat(0), { ...NOTHING, inode: 0 });
});

test("refusals are counted by what they were answered with, and heat no region", () => {
  const { fixture, client, heat } = serving();
  const refused = [
    [{ opcode: OPCODE.PUT, handle: 2, length: 8 }, "ERR_RIGHTS"],
    [{ opcode: OPCODE.GET, handle: 9, length: 8 }, "ERR_BAD_HANDLE"],
    [{ opcode: OPCODE.GET, handle: 1, offset: BYTES, length: 8 }, "ERR_RANGE"],
    [{ opcode: OPCODE.GET, handle: 1, offset: BYTES - 4, length: 8 }, "ERR_RANGE"],
  ] as const;
  for (const [fields, code] of refused) assert.equal(client.call(fields).status, statusOf(code));
  const refusals = readRefusals(fixture.counters);
  const counted = [...refusals.entries()].filter(([, count]) => count > 0);
  const expected = [
    [statusOf("ERR_RIGHTS"), 1],
    [statusOf("ERR_BAD_HANDLE"), 1],
    [statusOf("ERR_RANGE"), 2],
  ].sort(([a = 0], [b = 0]) => a - b);
  assert.deepEqual(counted, expected);
  assert.equal(fixture.count("refused"), 4);
  assert.equal(fixture.count("operations"), 4);
  assert.deepEqual(
    [heat(1), heat(2)],
    [
      { ...NOTHING, inode: 7 },
      { ...NOTHING, inode: 8 },
    ],
  );
});

test("what the worker has said of itself last is its last round", () => {
  const { fixture } = serving();
  fixture.nowMs = 17.25;
  fixture.step();
  assert.equal(workerAliveMs(fixture.counters), 17.25);
});

test("every command that is answered at once is timed once; what is not, when it is", () => {
  const { fixture, client, latency } = serving("unix");
  const before = latencyCount(latency(COMMAND_LATENCY));
  for (let i = 0; i < 5; i += 1) client.call({ opcode: OPCODE.GET, handle: 1, length: 8 });
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, 5);
  // Refused ones are answered too.
  client.call({ opcode: OPCODE.GET, handle: 9, length: 8 });
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, 6);
  // The payload of this one comes later: there is no answer yet.
  const payload = new Uint8Array(5000).fill(1);
  const put = command({ opcode: OPCODE.PUT, handle: 1, length: 5000, payload });
  client.send(put.subarray(0, 1000));
  fixture.step(4);
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, 6);
  client.send(put.subarray(1000));
  assert.equal(client.answer().status, 0);
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, 7);
  // Stable flushes are timed apart.
  client.send(command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 }));
  fixture.step(2);
  fixture.nowMs += 30;
  fixture.syncer.doWork();
  assert.equal(client.answer().status, 0);
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, 7);
  assert.equal(latencyCount(latency(FLUSH_LATENCY)), 1);
  assert.ok(Math.abs((latencyPercentile(latency(FLUSH_LATENCY), 1) as number) - 30) <= 1);
});

test("a command that waited until its answer had room is timed from the step that received it", () => {
  const { fixture, client, latency } = serving();
  const before = latencyCount(latency(COMMAND_LATENCY));
  // More than may be queued at a time: the rest stays in the staging memory until the client reads.
  const get = command({ opcode: OPCODE.GET, handle: 1, length: 1 << 19 });
  const count = 6;
  client.stream.send(fixture.memory.borrow(Buffer.concat(new Array(count).fill(get))), 0, count * get.length);
  fixture.step(2);
  const atOnce = latencyCount(latency(COMMAND_LATENCY)) - before;
  assert.ok(atOnce > 0 && atOnce < count, `${atOnce} are answered before the client reads`);
  fixture.nowMs += 50;
  for (let i = 0; i < count; i += 1) assert.equal(client.answer().status, 0);
  assert.equal(latencyCount(latency(COMMAND_LATENCY)) - before, count);
  const longest = latencyPercentile(latency(COMMAND_LATENCY), 1) as number;
  assert.ok(Math.abs(longest - 50) <= 50 / 32, `${longest}`);
});
