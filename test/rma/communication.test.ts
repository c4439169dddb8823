/** MPI-3's rules for windows, puts and gets (11.2, 11.3.1, 11.3.2, 11.4, 11.7), between processes of both kinds. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertEach } from "./each.ts";
import {
  BLOCK_BYTES,
  blockByte,
  CONFLICTS,
  MANY_AT,
  MANY_BYTES,
  PART_BYTES,
  PART_STEP,
  RUN_BYTES,
  RUNS,
  SIDE,
} from "./programs/communication.ts";
import { FILE_BYTES, TRANSPORTS, UNIT, WORD_BYTES } from "./rank.ts";
import { World } from "./world.ts";

const RANKS = [...TRANSPORTS.keys()];

describe("windows, puts and gets", () => {
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world[Symbol.asyncDispose]());

  it("what each rank puts for each other one arrives there whole", async () => {
    await world.onBothKinds("allToAll", ({ results }) => {
      for (const [to, blocks] of results.entries()) {
        const expected = (i: number): number => blockByte(Math.floor(i / BLOCK_BYTES), to, i % BLOCK_BYTES);
        assertEach(blocks, BLOCK_BYTES * RANKS.length, expected, `what rank ${to} got`);
      }
    });
  });

  it("a put changes the bytes that it names and no others, also where others put beside them", async () => {
    await world.onBothKinds("interleavedRuns", async ({ window }) => {
      const end = RUNS * RANKS.length * RUN_BYTES;
      const bytes = await window.get(0, new Uint8Array(end + 100));
      const expected = (i: number): number => (i < end ? (Math.floor(i / RUN_BYTES) % RANKS.length) + 1 : 0);
      assertEach(bytes, end + 100, expected, "the runs, and what is behind them");
    });
  });

  it("a put, get or accumulate of no elements is no error, and changes nothing", async () => {
    await world.onBothKinds("noBytes", async ({ results, window }) => {
      assert.deepEqual(results, [3, 3, 3, 3]);
      assert.ok((await window.get(0, new Uint8Array(FILE_BYTES))).every((byte) => byte === 0));
    });
  });

  it("strided data goes into its places, and comes out of them", async () => {
    await world.onBothKinds("columns", ({ results }) => {
      const element = (row: number, column: number): number => row + column / SIDE;
      for (const [rank, { rows, column }] of results.entries()) {
        assertEach(rows, SIDE * SIDE, (i) => element(Math.floor(i / SIDE), i % SIDE), "all rows");
        assertEach(column, SIDE, (i) => element(i, (rank + 1) % RANKS.length), "the neighbour's column");
      }
    });
  });

  it("a process may be origin and target of an access: it gets what it put, whichever way", async () => {
    await world.onBothKinds("toItself", ({ results }) => {
      for (const seen of results) {
        assert.equal(seen.length, 200);
        for (const [got, put] of seen) assert.equal(got, put);
      }
    });
  });

  it("in the unified model loads and stores of mapped bytes and accesses of others see each other", async () => {
    await world.onBothKinds("viewsAndCalls", ({ results, sharing }) => {
      assert.deepEqual(results, [[1, 2, 3], [77], [77], [77]], sharing);
    });
  });

  it("conflicting puts are no error: a word is one of them whole, and each byte of more is of one of them", async () => {
    await world.onBothKinds("conflicts", async ({ window }) => {
      for (let i = 0; i < CONFLICTS; i += 1) {
        const word = await window.get(i * WORD_BYTES, new Uint8Array(WORD_BYTES));
        const [winner] = word as unknown as [number];
        assert.ok(RANKS.includes(winner - 1), `word ${i}: ${word}`);
        assert.ok(
          word.every((byte) => byte === winner),
          `word ${i}: ${word}`,
        );
      }
      const many = await window.get(MANY_AT, new Uint8Array(MANY_BYTES));
      assert.ok(many.every((byte) => RANKS.includes(byte - 1)));
      const [behind] = await window.get(MANY_AT + MANY_BYTES, new Uint8Array(1));
      assert.equal(behind, 0);
    });
  });

  it("windows have any size, none too, count from their own base, and may overlap", async () => {
    await world.onBothKinds("parts", async ({ results, window }) => {
      for (const [rank, { first, length, none }] of results.entries()) {
        assert.deepEqual([length, none], [PART_BYTES, 0]);
        assert.equal(first, rank + 1 < RANKS.length ? rank + 2 : 0, "the word where the next one begins");
        assert.equal(await window.load(rank * PART_STEP), rank + 1);
      }
      assert.ok(PART_STEP < UNIT && PART_BYTES > UNIT, "they lie across stripe units");
    });
  });

  it("freeing a window completes what was issued through it", async () => {
    await world.onBothKinds("closeAtOnce", async ({ results, window }) => {
      assert.deepEqual(results, [0, 0, 0, 0]);
      const words = await window.get(0, new BigInt64Array(RUNS * RANKS.length));
      assertEach(words, RUNS * RANKS.length, (i) => BigInt((i % RUNS) + 1), "what was put");
    });
  });
});
