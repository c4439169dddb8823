/** Canaries: a bench that would not notice wrong bytes or a dead case measures nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAdded, startBytes, WORD_BYTES } from "../../bench/counters/words.ts";
import { WHOLE } from "../../bench/harness/messages.ts";
import { openModule } from "../../bench/harness/module-case.ts";
import { lineId, type Row } from "../../bench/harness/row.ts";
import { runBench } from "../../bench/run-bench.ts";
import { exitRow } from "../../src/cli/exit-codes.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const SETTINGS = { rounds: 2, roundMs: 2, warmUpMs: 1 };

function rowOf(fixture: string, changed: Record<string, number | number[]> = {}, keys = [WHOLE]): Row {
  const parameters = { workingBytes: 128, blockBytes: 8, depth: 1, batchOps: 8, moves: "get", ...changed };
  const module = new URL(`./fixtures/${fixture}.ts`, import.meta.url).href;
  return {
    id: "T1",
    title: "a row of the test",
    setting: "128 bytes",
    compare: "meanNs",
    cases: [
      {
        id: "case",
        name: "case",
        mode: "test",
        role: "didafs",
        does: "get",
        lines: keys.map((key) => ({ key, name: key })),
        open: openModule(module, parameters),
      },
    ],
    targets: [
      { line: lineId("case", keys[0] as string), bound: { kind: "time", figure: "meanNs", ns: 1e9 } },
    ],
  };
}

function bench(row: Row): Promise<unknown> {
  return runBench([row], SETTINGS, AbortSignal.timeout(20_000));
}

const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");

/** What the rows go through: words, blocks, blocks of several sizes, and many operations under way at once. */
const WALKS: readonly (readonly [string, Record<string, number | number[]>, string[]])[] = [
  ["words", {}, [WHOLE]],
  ["blocks", { workingBytes: 1024, blockBytes: 64 }, [WHOLE]],
  ["the second of two sizes", { blockBytes: [16, 64], on: 1 }, ["@16", "@64"]],
  ["operations in flight", { depth: 4, awaited: 1 }, [WHOLE]],
  ["the second of two depths", { depth: [1, 4], awaited: 1, on: 1 }, ["@1", "@4"]],
];

for (const [what, parameters, keys] of WALKS) {
  test(`${what}: a case that moves the right bytes passes, others fail the bench`, async () => {
    const wrong = (by: Record<string, number>): Row => rowOf("wrong-bytes", { ...parameters, ...by }, keys);
    await bench(wrong({}));
    await assert.rejects(bench(wrong({ bytes: 1 })), isCorrupt, "at the end of a round");
    await assert.rejects(bench(wrong({ sum: 1 })), isCorrupt, "read in between");
  });
}

test("wrong bytes have an exit code of their own", () => {
  assert.equal(exitRow("ERR_CORRUPT").exit, 12);
});

test("additions: one that is lost, or seen twice, is noticed, also where the word wraps", () => {
  for (const word of ["i64", "u32"] as const) {
    for (const operations of [1, 1000, 2 ** 33 + 7]) {
      const start = startBytes(word, 5);
      const before = wordIn(start);
      const count = BigInt(operations);
      const sum = Number(BigInt.asIntN(32, count * before + (count * (count - 1n)) / 2n));
      const passes = (added: bigint, seen: number): boolean => {
        const { hash, expectedHash } = checkAdded(word, start, bytesOf(word, before + added), {
          operations,
          sum: seen,
        });
        return hash === expectedHash;
      };
      assert.ok(passes(count, sum));
      assert.ok(!passes(count - 1n, sum), "lost");
      assert.ok(!passes(0n, sum), "nothing was added");
      assert.ok(!passes(count, sum + 1), "another value was seen");
    }
  }
});

function wordIn(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function bytesOf(word: keyof typeof WORD_BYTES, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, WORD_BYTES[word]);
}

test("a case whose process ends fails the bench and is named", async () => {
  await assert.rejects(bench(rowOf("dying")), /T1-case ended \(exit code 7\)/);
});
