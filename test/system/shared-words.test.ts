import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Memory } from "../../src/ports/memory.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";
import { type Child, startChild } from "./child.ts";
import { addRounds, ROUNDS, WORD, writeBothHalves } from "./shared-words.ts";

/**
 * What the direct path builds on: on memory that two processes map, Atomics are atomic and an aligned 8-byte access is
 * whole. The controls show that the tests could see it if they were not.
 */
async function sharedWithChild(t: TestContext): Promise<{ memory: Memory; child: Child }> {
  const drive = openMemoryDrive();
  const object = drive.create("words", 4096);
  const memory = systemMemory.map(object.descriptor, 0, 4096, true);
  t.after(() => {
    systemMemory.free(memory);
    object.close();
    drive.close();
  });
  const child = startChild(t, "shared-words-child.ts", [`/proc/${process.pid}/fd/${object.descriptor}`]);
  assert.equal(await child.said(), "mapped");
  return { memory, child };
}

test("atomic adds of two processes add up exactly; plain ones lose some", async (t) => {
  const { memory, child } = await sharedWithChild(t);
  let lost = 0;
  for (let tries = 0; tries < 10 && lost === 0; tries += 1) {
    for (const at of [WORD.atomic32, WORD.plain32, WORD.atomic64]) memory.i64[at / 2] = 0n;
    Atomics.store(memory.i32, WORD.gate, 0);
    child.tell("add");
    addRounds(memory);
    assert.equal(await child.said(), "added");
    assert.equal(memory.i32[WORD.atomic32], 2 * ROUNDS);
    assert.equal(memory.i64[WORD.atomic64 / 2], BigInt(2 * ROUNDS));
    lost = 2 * ROUNDS - (memory.i32[WORD.plain32] as number);
  }
  t.diagnostic(`of ${2 * ROUNDS} plain adds ${lost} were lost`);
  assert.ok(lost > 0, "the control shows that the adds ran at the same time");
});

test("reads of 8 bytes are whole; reads of their two halves are torn", async (t) => {
  const { memory, child } = await sharedWithChild(t);
  child.tell("read");
  writeBothHalves(memory, 3000);
  const found = (await child.said()) as { reads: number; torn: number; tornHalves: number };
  t.diagnostic(`${found.reads} reads: ${found.torn} torn, ${found.tornHalves} torn when read as halves`);
  assert.equal(found.torn, 0);
  assert.ok(found.tornHalves > 0, "the control shows that reads met writes");
});
