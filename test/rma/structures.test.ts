/** What the examples of MPI-3 (11.8) build of one-sided accesses, between processes of both kinds. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertEach } from "./each.ts";
import { ENTRIES, GUARDED, MESSAGES, NODES, TASKS } from "./programs/structures.ts";
import { TRANSPORTS } from "./rank.ts";
import { World } from "./world.ts";

const RANKS = [...TRANSPORTS.keys()];

describe("structures over windows", () => {
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world[Symbol.asyncDispose]());

  it("a mutex that is a queue of swaps lets in one at a time", async () => {
    await world.onBothKinds("mutex", async ({ results, window }) => {
      assert.deepEqual(results, [0, 0, 0, 0], "what one left half done");
      for (const at of GUARDED) assert.equal(await window.load(at), ENTRIES * RANKS.length);
    });
  });

  it("a list to which all append by compare-and-swap has each node once, and those of a rank in its order", async () => {
    await world.onBothKinds("list", ({ results }) => {
      const [values, ...others] = results as [number[], ...number[][]];
      for (const other of others) assert.deepEqual(other, values);
      for (const rank of RANKS) {
        assert.deepEqual(
          values.filter((value) => Math.floor(value / NODES) === rank),
          Array.from({ length: NODES }, (_, i) => rank * NODES + i),
        );
      }
      assert.equal(values.length, NODES * RANKS.length);
    });
  });

  it("a shared counter gives each number to one, and to each one rising numbers", async () => {
    await world.onBothKinds("tasks", async ({ results, window }) => {
      const inOrder = (one: number, other: number): number => one - other;
      for (const own of results) assert.deepEqual(own, own.toSorted(inOrder));
      assertEach(results.flat().sort(inOrder), TASKS, (i) => i, "all numbers");
      assert.equal(await window.load(0), TASKS + RANKS.length);
    });
  });

  it("who sees the flag that was set behind a flush sees what was put before it", async () => {
    await world.onBothKinds("flags", ({ results }) => {
      const rising = Array.from({ length: MESSAGES }, (_, i) => i + 1);
      assert.deepEqual(results, [[], rising, rising, rising]);
    });
  });
});
