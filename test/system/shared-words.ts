import type { Memory } from "../../src/ports/memory.ts";

/** Adds that each process makes to each word. */
export const ROUNDS = 200_000;

/** Word positions (32-bit), each on a cache line of its own. */
export const WORD = { gate: 0, atomic32: 16, plain32: 32, atomic64: 48, value: 64, done: 80 };

/** Waits at the gate for the other process, then adds, all three ways. */
export function addRounds(memory: Memory): void {
  Atomics.add(memory.i32, WORD.gate, 1);
  const endMs = performance.now() + 10_000;
  while (Atomics.load(memory.i32, WORD.gate) < 2 && performance.now() < endMs);
  for (let round = 0; round < ROUNDS; round += 1) {
    // The atomic adds between load and store leave the other process the time to show that a plain add is two steps.
    const seen = memory.i32[WORD.plain32] as number;
    Atomics.add(memory.i32, WORD.atomic32, 1);
    Atomics.add(memory.i64, WORD.atomic64 / 2, 1n);
    memory.i32[WORD.plain32] = seen + 1;
  }
}

/** Until the reader is done, at most `timeoutMs`: stores values whose two halves are equal, in one store. */
export function writeBothHalves(memory: Memory, timeoutMs: number): void {
  const endMs = performance.now() + timeoutMs;
  const ones = 0xffff_ffff_ffff_ffffn;
  while (Atomics.load(memory.i32, WORD.done) === 0 && performance.now() < endMs) {
    for (let round = 0; round < 1000; round += 1) {
      Atomics.store(memory.u64, WORD.value / 2, round % 2 === 0 ? ones : 0n);
      // Each value stays for about as long as the reader needs for one round.
      for (let pause = 0; pause < 50; pause += 1) Atomics.load(memory.i32, WORD.done);
    }
  }
}

/** Reads both ways until a torn pair of halves was seen, at least 1,000,000 times and at most for `timeoutMs`. */
export function readBothWays(memory: Memory, timeoutMs: number): Record<string, number> {
  const endMs = performance.now() + timeoutMs;
  let reads = 0;
  let torn = 0;
  let tornHalves = 0;
  while ((reads < 1_000_000 || tornHalves === 0) && performance.now() < endMs) {
    for (let round = 0; round < 1000; round += 1) {
      // The whole reads between the halves leave a writer the time to show that those are two reads.
      const low = memory.u32[WORD.value];
      for (let repeat = 0; repeat < 10; repeat += 1) {
        const whole = memory.u64[WORD.value / 2] as bigint;
        if (whole !== 0n && whole !== 0xffff_ffff_ffff_ffffn) torn += 1;
      }
      const high = memory.u32[WORD.value + 1];
      if (low !== high) tornHalves += 1;
    }
    reads += 10_000;
  }
  Atomics.store(memory.i32, WORD.done, 1);
  return { reads, torn, tornHalves };
}
