/** MPI-3's rules for accumulates, fetches and swaps (11.3.4, 11.7.1, 11.7.2), between processes of both kinds. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertEach } from "./each.ts";
import {
  ELEMENTS,
  type Fetched,
  FLOATS_AT,
  ISSUES,
  isReplacement,
  OVERLAP_STEP,
  REDUCTIONS,
  ROUNDS,
  replacement,
  SWAPS,
  WORDS_SHARED,
} from "./programs/accumulate.ts";
import { TRANSPORTS, UNIT } from "./rank.ts";
import { World } from "./world.ts";

const RANKS = [...TRANSPORTS.keys()];
const sum = (values: readonly number[]): number => values.reduce((left, right) => left + right, 0);

describe("accumulates, fetches and swaps", () => {
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world[Symbol.asyncDispose]());

  it("concurrent accumulates to the same elements come out as if one came after the other", async () => {
    await world.onBothKinds("sums", async ({ results, window }) => {
      const total = (of: (rank: number) => number): number =>
        sum(RANKS.map((rank) => (results[rank] as number) * of(rank)));
      const integers = await window.get(0, new BigInt64Array(ELEMENTS));
      const floats = await window.get(FLOATS_AT, new Float64Array(ELEMENTS));
      for (let i = 0; i < ELEMENTS; i += 1) {
        assert.equal(
          Number(integers[i]),
          total((rank) => rank + 1 - i),
        );
        assert.equal(
          floats[i],
          total((rank) => (rank + 1) / 4 + i),
        );
      }
    });
  });

  it("accumulates are atomic for each element, also where their ranges overlap in part", async () => {
    await world.onBothKinds("overlappingSums", async ({ window }) => {
      const words = await window.get(0, new BigInt64Array(ELEMENTS + OVERLAP_STEP * RANKS.length));
      for (const [i, word] of words.entries()) {
        const covering = RANKS.filter(
          (rank) => i >= rank * OVERLAP_STEP && i < rank * OVERLAP_STEP + ELEMENTS,
        );
        assert.equal(Number(word), ROUNDS * covering.length, `word ${i}`);
      }
    });
  });

  it("each predefined operation does on each type what the reduction of that name does", async () => {
    await world.onBothKinds("everyOperator", ({ results }) => {
      for (const seen of results) {
        for (const [i, one] of REDUCTIONS.entries()) {
          assert.equal(seen[i], reduced(one), `${one.op} of ${one.word}`);
        }
      }
    });
  });

  it("MPI_REPLACE puts each element whole, and an atomic read (MPI_NO_OP) never sees a part of it", async () => {
    await world.onBothKinds("replacements", async ({ results, window }) => {
      assert.deepEqual(results, [0, 0, 0, 0], "words that nobody put");
      const last = new Set(RANKS.map((rank) => replacement(rank, ROUNDS * 4 - 1)));
      for (const word of await window.get(0, new BigInt64Array(ELEMENTS))) {
        assert.ok(last.has(word), `${word} is the last of a rank`);
      }
      assert.ok(!isReplacement((1n << 32n) | 2n), "two halves of different ranks would be found");
    });
  });

  it("fetch-and-op gives the value right before its own change, so that all of them are one chain", async () => {
    await world.onBothKinds("fetches", async ({ results, window }) => {
      const all = results.flat();
      for (let i = 0; i < WORDS_SHARED; i += 1) {
        const at = i * (UNIT / 2);
        const one = all.filter((fetched) => fetched.at === at);
        assert.equal(chainEnd(one), await window.load(at));
      }
      const [first, ...others] = all as [Fetched, ...Fetched[]];
      assert.throws(() => chainEnd([first, first, ...others]), "a value that two have got is found");
    });
  });

  it("compare-and-swap lets one win, and shows all others what he put", async () => {
    await world.onBothKinds("swaps", ({ results }) => {
      for (let i = 0; i < SWAPS; i += 1) {
        const found = results.map((one) => one[i] as number);
        const winner = found.indexOf(0) + 1;
        assert.deepEqual(
          found,
          found.map((_, rank) => (rank + 1 === winner ? 0 : winner)),
          `word ${i}`,
        );
      }
    });
  });

  it("accumulates of one origin to one place happen in the order of issue: reads and writes alike", async () => {
    await world.onBothKinds("inOrder", ({ results, sharing }) => {
      for (const [rank, { fetched, loaded, wentBack }] of results.entries()) {
        assertEach(fetched, ISSUES, (i) => i, `fetched by rank ${rank}, ${sharing}`);
        assertEach(loaded, ISSUES, (i) => i + 1, `loaded by rank ${rank}, ${sharing}`);
        assert.equal(wentBack, 0);
      }
    });
  });

  it("puts and gets of one origin to one place do so too, which the standard does not ask for", async () => {
    await world.onBothKinds("putsAndGets", ({ results, sharing }) => {
      for (const [rank, got] of results.entries()) {
        assertEach(got, ISSUES, (i) => i + 1, `rank ${rank}, ${sharing}`);
      }
    });
  });

  it("accumulates, fetches and swaps are atomic towards each other", async () => {
    await world.onBothKinds("anyCall", async ({ results, window }) => {
      assert.equal(await window.load(0), sum(results));
      assert.equal(await window.load(UNIT, "f64"), sum(results) / 2);
    });
  });
});

/** What the word holds when all ranks have brought theirs, in whichever order. */
function reduced({ word, op, initial, operands }: (typeof REDUCTIONS)[number]): bigint {
  const value = [initial, ...operands].reduce((left, right) => {
    switch (op) {
      case "add":
        return left + right;
      case "min":
        return left < right ? left : right;
      case "max":
        return left > right ? left : right;
      case "and":
        return left & right;
      case "or":
        return left | right;
      default:
        return left ^ right;
    }
  });
  const bits = word.endsWith("64") ? 64 : 32;
  return word.startsWith("i") ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** Follows the chain from zero: each value before is what the one before it has left. @returns what the last one left */
function chainEnd(fetched: readonly Fetched[]): number {
  let value = 0;
  for (const { before, delta } of [...fetched].sort((one, other) => one.before - other.before)) {
    assert.equal(before, value);
    value += delta;
  }
  return value;
}
