import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { futexWait, futexWake } from "../../src/system/futex.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { readyWorker, until } from "./support.ts";

test("a wait ends at its time, or at once where the word is not as expected", () => {
  const memory = systemMemory.allocate(4096);
  memory.i32[0] = -5;
  const startMs = performance.now();
  assert.equal(futexWait(memory.address, -5, 20), false);
  assert.ok(performance.now() - startMs >= 19);
  assert.equal(futexWait(memory.address, 4, 10_000), true);
  assert.equal(futexWait(memory.address, -5, 0), false);
  assert.equal(futexWake(memory.address, 1), 0);
  assert.throws(() => futexWait(memory.address + 1, -5, 0), /EINVAL/);
  systemMemory.free(memory);
});

test("a thread that waits for a word by its address is woken by another", async (t) => {
  const memory = systemMemory.allocate(4096);
  memory.i32[0] = 1;
  const worker = await readyWorker(t, "futex-worker.ts", { address: memory.address });
  const result = once(worker, "message", { signal: AbortSignal.timeout(15_000) });
  until("a sleeper", () => futexWake(memory.address, 1) === 1, 10_000);
  assert.deepEqual(await result, [true]);
});
