/** MPI-3's rules for fences, for locks on all and for flushes of one target (11.5.1, 11.5.3, 11.5.4), between processes of both kinds. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertEach } from "./each.ts";
import { ADDITIONS, PHASES } from "./programs/fence.ts";
import { FILE_BYTES, TRANSPORTS, UNIT } from "./rank.ts";
import { World } from "./world.ts";

const RANKS = [...TRANSPORTS.keys()];

describe("active target, and synchronisation with all", () => {
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world[Symbol.asyncDispose]());

  it("behind a fence everybody sees all that was put before it, and nothing of what comes behind the next", async () => {
    await world.onBothKinds("fencedPuts", ({ results }) => {
      assert.deepEqual(results.map(({ groupRank }) => groupRank).toSorted(), RANKS);
      for (const { misfits } of results) assert.deepEqual(misfits, []);
    });
  });

  it("accumulates of all between two fences are all there behind the second, and no others", async () => {
    await world.onBothKinds("fencedSums", ({ results }) => {
      const sums = Array.from({ length: PHASES }, (_, i) => (i + 1) * ADDITIONS * RANKS.length);
      for (const seen of results) assert.deepEqual(seen, sums);
    });
  });

  it("a window is synchronised by fences and by locks, one after the other", async () => {
    await world.onBothKinds("fencesAndLocks", ({ results }) => {
      assert.deepEqual(results, [[], [], [], []]);
    });
  });

  it("a lock on all is shared: all hold it at once, and it keeps exclusive ones out until it is released", async () => {
    await world.onBothKinds("lockedByAll", ({ results }) => {
      const sum = ADDITIONS * RANKS.length;
      assert.deepEqual(
        results,
        RANKS.map(() => [false, sum, true]),
      );
    });
  });

  it("a flush of one target completes all that was issued to it", async () => {
    await world.onBothKinds("oneTarget", async ({ results, window }) => {
      const block = (i: number): number => Math.floor(i / (UNIT / RANKS.length));
      for (const seen of results) {
        assertEach(seen, FILE_BYTES, (i) => (block(i) % RANKS.length) + 1, "the blocks of all");
      }
      const unknown = window.flush("memory", { target: "0".repeat(32) });
      await assert.rejects(unknown, "no such target");
    });
  });
});
