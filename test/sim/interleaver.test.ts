/** Algorithms on shared memory, with another party between any two of their steps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { betweenAtomicAccesses, everyInterleaving, type Program, Stuck } from "../../src/sim/interleaver.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { storeSmall } from "../../src/structs/halves.ts";
import {
  countResize,
  encodeRegionHeader,
  newestHeader,
  REGION_HEADER_BYTES,
  type RegionHeader,
} from "../../src/structs/region-header.ts";
import * as queue from "../../src/structs/sync-queue.ts";
import { fetchOp32, fetchOp64, fetchOpF64, OPS } from "../../src/structs/words.ts";
import { PresentLength } from "../../src/transport/present-length.ts";

const { syncQueueAt } = queue;

describe("the interleaver", () => {
  it("tries every order once", () => {
    const orders = new Set<string>();
    const count = everyInterleaving(() => {
      let order = "";
      function* party(name: string): Program {
        for (let step = 0; step < 3; step += 1) {
          order += name;
          yield undefined;
        }
      }
      return { parties: [party("a"), party("b")], check: () => orders.add(order.slice(0, 6)) };
    });
    assert.equal(orders.size, 20, "three of six places");
    assert.ok(count >= 20);
  });

  it("says where all parties wait", () => {
    const begin = () => ({ parties: [waitsFor(() => false)], check: () => {} });
    assert.throws(() => everyInterleaving(begin), Stuck);
  });
});

function* waitsFor(condition: () => boolean): Program {
  yield condition;
}

describe("the queue to the sync thread", () => {
  /** @param looksFirst the mistake: it looks into the queue before it reads the doorbell */
  function attempt(looksFirst: boolean) {
    const words = new Int32Array(queue.syncAreaBytes(1) / 4);
    const at = syncQueueAt(0);
    const collected: number[] = [];
    function* producer(): Program {
      for (const ticket of [7, 8]) {
        queue.fillSubmission(words, at, ticket, ticket * 3);
        yield undefined;
        queue.publishSubmission(words, at);
        yield undefined;
        queue.ringDoorbell(words);
        yield undefined;
      }
      while (collected.length < 2) {
        yield () => queue.nextCompletion(words, at) >= 0;
        const entry = queue.nextCompletion(words, at);
        collected.push(queue.entryTicket(words, entry));
        queue.releaseCompletion(words, at);
      }
    }
    function* syncThread(): Program {
      for (let served = 0; served < 2; ) {
        let seen = queue.doorbell(words);
        yield undefined;
        const entry = queue.nextSubmission(words, at);
        if (looksFirst) {
          yield undefined;
          seen = queue.doorbell(words);
        }
        if (entry < 0) {
          yield () => queue.doorbell(words) !== seen;
          continue;
        }
        const ticket = queue.entryTicket(words, entry);
        assert.equal(queue.submissionDescriptor(words, entry), ticket * 3, "what is published is filled");
        queue.releaseSubmission(words, at);
        queue.fillCompletion(words, at, ticket, 0);
        yield undefined;
        queue.publishCompletion(words, at);
        served += 1;
      }
    }
    return {
      parties: [producer(), syncThread()],
      check: () => assert.deepEqual(collected, [7, 8]),
    };
  }

  it("loses no request and no wake-up, in whatever order the steps come", () => {
    assert.ok(everyInterleaving(() => attempt(false)) > 100);
  });

  it("would lose one, did the sync thread look before it reads the doorbell", () => {
    assert.throws(() => everyInterleaving(() => attempt(true)), Stuck);
  });
});

describe("words", () => {
  const memory = () => new SimMemory().allocate(16);

  it("every operation is one step, whoever else changes the word in the middle of it", () => {
    for (const op of OPS.keys()) {
      for (const [name, apply] of [
        ["i32", (m, value) => fetchOp32(m, 0, op, 2, value)],
        ["i64", (m, value) => Number(fetchOp64(m, 0, op, 0, BigInt(value)))],
        ["f64", (m, value) => fetchOpF64(m, 0, op, value)],
      ] as [string, (m: ReturnType<typeof memory>, value: number) => number][]) {
        const run = (values: readonly number[]) => {
          const m = memory();
          const before = values.map((value) => apply(m, value));
          return JSON.stringify([before, m.i64[0]?.toString()]);
        };
        const legal = [run([5, 9]), swapped(run([9, 5]))];
        const places = betweenAtomicAccesses(() => {
          const m = memory();
          const before = [0, 0];
          return {
            body: () => (before[0] = apply(m, 5)),
            other: () => (before[1] = apply(m, 9)),
            check: () => {
              const seen = JSON.stringify([before, m.i64[0]?.toString()]);
              assert.ok(legal.includes(seen), `${name} ${OPS[op]}: ${seen} is none of ${legal}`);
            },
          };
        });
        assert.ok(places >= 1);
      }
    }
  });

  it("two bytes are stored without their neighbours, whoever changes these meanwhile", () => {
    const two = Int32Array.of(0x2211);
    const others = Int32Array.of(0x4433);
    const places = betweenAtomicAccesses(() => {
      const m = memory();
      return {
        body: () => storeSmall(m, 0, 2, two, 0),
        other: () => storeSmall(m, 2, 2, others, 0),
        check: () => assert.deepEqual([...m.u8.subarray(0, 4)], [0x11, 0x22, 0x33, 0x44]),
      };
    });
    assert.ok(places >= 2, "between its load and its compare-and-swap");
  });
});

/** The results in the order of the parties, where the second one came first. */
function swapped(result: string): string {
  const [before, after] = JSON.parse(result) as [number[], string];
  return JSON.stringify([before.reverse(), after]);
}

describe("a region's header", () => {
  const OLD: RegionHeader = { inode: 9, index: 1, byteLength: 8192, written: true, sequence: 4 };
  const NEW: RegionHeader = { ...OLD, byteLength: 4096, sequence: 5 };

  function page(): Int32Array<ArrayBuffer> {
    const words = new Int32Array(REGION_HEADER_BYTES / 4);
    encodeRegionHeader(new Uint8Array(words.buffer), { ...OLD, byteLength: 100, sequence: 3 });
    encodeRegionHeader(new Uint8Array(words.buffer), OLD);
    return words;
  }

  /** The writer, word by word as a processor may do it: the slot first, then the count that tells of it. */
  function stepsOf(words: Int32Array<ArrayBuffer>): (() => void)[] {
    const after = page();
    encodeRegionHeader(new Uint8Array(after.buffer), NEW);
    const changed = [...after.keys()].filter((at) => after[at] !== words[at]);
    const stores = changed.map((at) => () => {
      words[at] = after[at] as number;
    });
    return [...stores, () => countResize(words)];
  }

  it("says the old length or the new one between any two stores of its writer, and the new one once it is counted", () => {
    const count = stepsOf(page()).length;
    assert.ok(count > 3);
    for (let done = 0; done <= count; done += 1) {
      const words = page();
      const present = new PresentLength(words, OLD.byteLength);
      present.check(0, OLD.byteLength);
      for (const step of stepsOf(words).slice(0, done)) step();
      const said = newestHeader(new Uint8Array(words.buffer))?.byteLength;
      assert.ok(said === OLD.byteLength || said === NEW.byteLength, `${said} after ${done} stores`);
      assert.equal(present.isWhole, done < count);
      if (done < count) continue;
      present.check(0, NEW.byteLength);
      assert.throws(() => present.check(0, OLD.byteLength), { code: "ERR_RANGE" });
    }
  });

  it("is read whole, whatever changes while it is read", () => {
    const count = stepsOf(page()).length;
    for (let done = 1; done <= count; done += 1) {
      betweenAtomicAccesses(() => {
        const words = page();
        const present = new PresentLength(words, OLD.byteLength);
        const steps = stepsOf(words);
        let said: unknown;
        return {
          body: () => {
            try {
              present.check(0, OLD.byteLength);
            } catch (error) {
              said = error;
            }
          },
          other: () => {
            for (const step of steps.slice(0, done)) step();
          },
          check: () => {
            // A change that was cut off says nothing; one that is whole is seen at the latest by the next access.
            if (said !== undefined) assert.equal((said as { code: string }).code, "ERR_RANGE");
            for (const step of steps.slice(done)) step();
            assert.equal(present.isWhole, false);
            assert.throws(() => present.check(0, OLD.byteLength), { code: "ERR_RANGE" });
          },
        };
      });
    }
  });
});
