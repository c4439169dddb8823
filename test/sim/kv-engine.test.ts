import assert from "node:assert/strict";
import { test } from "node:test";
import { SimKvDrive, SimKvEngine } from "../../src/sim/kv-engine.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { SimHome } from "../meta/engine-homes.ts";
import { kvConformance, SMALL_BYTES } from "../meta/kv-conformance.ts";

kvConformance(
  "simulated",
  () => new SimHome(),
  () => {
    const home = new SimHome();
    home.drive.capacityBytes = SMALL_BYTES;
    return home;
  },
);

const key = (...bytes: number[]) => Uint8Array.from(bytes);

function countOf(drive: SimKvDrive): number {
  return new SimKvEngine(drive).read((reader) => [...reader.scan(key(0), key(255), 1e9)].length);
}

test("the same seed leaves the same behind a crash; seeds differ in how many transactions that are", () => {
  const leftBy = (seed: number) => {
    const drive = new SimKvDrive();
    const engine = new SimKvEngine(drive);
    for (let i = 0; i < 5; i += 1) void engine.transact((kv) => kv.set(key(i), key(i)));
    engine.crash(new SimRandom(seed));
    assert.throws(() => engine.read(() => 1), { code: "ERR_CLOSED" });
    return countOf(drive);
  };
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1);
  const left = seeds.map(leftBy);
  assert.deepEqual(left, seeds.map(leftBy));
  assert.deepEqual([...new Set(left)].sort(), [0, 1, 2, 3, 4, 5]);
});

test("a simulation says when transactions become durable", async () => {
  const drive = new SimKvDrive();
  const steps: (() => void)[] = [];
  const engine = new SimKvEngine(drive, (commit) => steps.push(commit));
  const done: number[] = [];
  for (const at of [1, 2]) {
    void engine.transact((kv) => kv.set(key(at), key(at))).then(() => done.push(at));
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([countOf(drive), done, steps.length], [0, [], 1]);
  steps[0]?.();
  assert.equal(countOf(drive), 2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, [1, 2]);
});

test("what is deleted or replaced gives its space back", async () => {
  const drive = new SimKvDrive();
  const engine = new SimKvEngine(drive);
  await engine.transact((kv) => kv.set(key(1), Buffer.alloc(100)));
  drive.capacityBytes = drive.usedBytes;
  await assert.rejects(
    engine.transact((kv) => kv.set(key(2), Buffer.alloc(1))),
    { code: "ERR_NO_SPACE" },
  );
  await engine.transact((kv) => {
    kv.set(key(1), Buffer.alloc(50));
    kv.set(key(2), Buffer.alloc(49));
  });
  assert.equal(drive.usedBytes, drive.capacityBytes);
  await engine.transact((kv) => kv.delete(key(1)));
  assert.equal(drive.usedBytes, 50);
});
