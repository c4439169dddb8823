/** MPI-3's rules for locks, flushes, requests and progress (11.3.5, 11.5.3, 11.5.4, 11.7.3), between processes of both kinds. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertEach } from "./each.ts";
import { PLACES, SECTIONS } from "./programs/passive-target.ts";
import { TRANSPORTS, UNIT, WORD_BYTES } from "./rank.ts";
import { World } from "./world.ts";

const RANKS = [...TRANSPORTS.keys()];

describe("passive target: locks, flushes and requests", () => {
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world[Symbol.asyncDispose]());

  it("under an exclusive lock a get and a put are together as one access", async () => {
    await world.onBothKinds("underExclusiveLock", ({ results }) => {
      assert.deepEqual(
        results,
        RANKS.map(() => SECTIONS * RANKS.length),
      );
    });
  });

  it("shared locks are held by many at once, and keep an exclusive one out until all are released", async () => {
    await world.onBothKinds("sharedTogether", ({ results }) => {
      assert.deepEqual(
        results,
        RANKS.map(() => [false, true]),
      );
    });
  });

  it("exclusive locks on different places do not exclude each other", async () => {
    await world.onBothKinds("locksApart", ({ results }) => {
      assert.deepEqual(
        results,
        RANKS.map(() => false),
        "nor is one of them none",
      );
    });
  });

  it("what was put and flushed under a lock is there for whoever gets the lock next", async () => {
    await world.onBothKinds("generations", async ({ results, window }) => {
      assert.deepEqual(results, [[], [], [], []]);
      const total = (SECTIONS / 2) * RANKS.length;
      for (const at of PLACES) assert.equal(await window.load(at), total);
    });
  });

  it("a flush completes all puts that were issued, at the target and in the origin's buffers", async () => {
    await world.onBothKinds("flushed", ({ results }) => {
      const words = UNIT / WORD_BYTES;
      const expected = (i: number): bigint =>
        BigInt((i % RANKS.length) * words + Math.floor(i / RANKS.length));
      for (const seen of results) assertEach(seen, words * RANKS.length, expected, "what all have put");
    });
  });

  it("once a put is complete its buffer may be used again", async () => {
    await world.onBothKinds("buffersAgain", ({ results }) => {
      for (const seen of results)
        assert.deepEqual(
          seen,
          Array.from({ length: 50 }, (_, i) => i + 1),
        );
    });
  });

  it("each request completes by itself, and then it is complete at the target too", async () => {
    await world.onBothKinds("requests", ({ results }) => {
      assert.deepEqual(
        results,
        RANKS.map(() => [1, 5, 0, 5, 6, 7, 8]),
      );
    });
  });

  it("accesses and locks make progress while other processes make no call that could help", async () => {
    await world.onBothKinds("progress", async ({ results, window }) => {
      assert.deepEqual(
        results,
        RANKS.map(() => true),
      );
      assert.equal(await window.load(UNIT), 20);
    });
  });
});
