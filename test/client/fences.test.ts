import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Cluster, type DidafsWindow, isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";

const LONG = { timeoutMs: 60_000 };
const UNIT = 4096;
const TARGETS = 3;
const SIZE = 4;
const ROUNDS = 20;

describe("fences, locks on all of a window, flushes of one target", () => {
  let local: LocalCluster;
  const clients: Cluster[] = [];
  let files = 0;

  before(async () => {
    local = await startLocalCluster({ targets: TARGETS });
    for (let i = 0; i < SIZE; i += 1) clients.push(await local.attach(i % 2 === 0 ? "auto" : "tcp"));
  });
  after(() => local[Symbol.asyncDispose]());

  /** A window of each client on a new file that is striped over all targets. */
  async function windows(sharing: "managed" | "raw", size = TARGETS * UNIT): Promise<DidafsWindow[]> {
    const path = `/fences/${files++}`;
    const layout = { size, targets: TARGETS, stripeUnit: UNIT };
    await (await local.cluster.open(path, { create: true, ...layout })).close();
    return Promise.all(
      clients.map(async (client) => (await client.open(path)).window({ rights: "rw", sharing })),
    );
  }

  for (const sharing of ["managed", "raw"] as const) {
    it(`behind a fence everybody reads what all have put before it: ${sharing}, over three targets`, async () => {
      const all = await windows(sharing);
      const name = `fence ${sharing}`;
      const member = async (window: DidafsWindow, rank: number): Promise<void> => {
        await using group = await (clients[rank] as Cluster).group(name, { size: SIZE, rank, ...LONG });
        const block = new Uint8Array(512);
        const found = new Uint8Array(512);
        for (let round = 1; round <= ROUNDS; round += 1) {
          // Nobody waits for these; each member has a block on each target.
          for (let target = 0; target < TARGETS; target += 1)
            void window.put(target * UNIT + rank * 512, block.slice().fill(round * SIZE + rank));
          await window.fence(group, LONG);
          for (let target = 0; target < TARGETS; target += 1) {
            for (let other = 0; other < SIZE; other += 1) {
              await window.get(target * UNIT + other * 512, found);
              const value = (round * SIZE + other) & 0xff;
              assert.ok(
                found.every((byte) => byte === value),
                `round ${round}: ${found[0]}, not ${value}`,
              );
            }
          }
          // Before anybody writes again.
          await window.fence(group, LONG);
        }
      };
      await Promise.all(all.map(member));
    });
  }

  it("a fence ends with its group, and wants one that is ours", async () => {
    const [one, two] = (await windows("managed")) as [DidafsWindow, DidafsWindow];
    const [left, right] = await Promise.all([
      (clients[0] as Cluster).group("ends", { size: 2, rank: 0, ...LONG }),
      (clients[1] as Cluster).group("ends", { size: 2, rank: 1, ...LONG }),
    ]);
    await Promise.all([one.fence(left, LONG), two.fence(right, LONG)]);
    const fencing = assert.rejects(one.fence(left, LONG), (error) => {
      return isDidafsError(error, "ERR_GROUP_ENDED") && error.value === 1n;
    });
    await right.leave();
    await fencing;
    const lookalike = { ...left, name: "ends", rank: 0, size: 2 } as unknown as typeof left;
    await assert.rejects(one.fence(lookalike), (error) => isDidafsError(error, "ERR_INVALID_ARGUMENT"));
    await one.close();
    await assert.rejects(one.fence(left), (error) => isDidafsError(error, "ERR_CLOSED", "ERR_GROUP_ENDED"));
  });

  it("a fence on a window that was closed does not come to the barrier", async () => {
    const [window] = (await windows("managed")) as [DidafsWindow];
    const [left, right] = await Promise.all([
      (clients[0] as Cluster).group("closed", { size: 2, rank: 0, ...LONG }),
      (clients[1] as Cluster).group("closed", { size: 2, rank: 1, ...LONG }),
    ]);
    await window.close();
    await assert.rejects(window.fence(left), (error) => isDidafsError(error, "ERR_CLOSED"));
    let passed = false;
    const waiting = right.barrier(LONG).then(() => {
      passed = true;
    });
    await (clients[1] as Cluster).group("never", { size: 2, timeoutMs: 200 }).catch(() => {});
    assert.equal(passed, false);
    await Promise.all([left.barrier(LONG), waiting]);
    await Promise.all([left.leave(), right.leave()]);
  });

  it("lockAll shares the whole window with others of its kind, and keeps out who wants a byte alone", async () => {
    const [one, two] = (await windows("managed")) as [DidafsWindow, DidafsWindow];
    const first = await one.lockAll();
    assert.deepEqual(first.range, { at: 0, length: TARGETS * UNIT, mode: "shared" });
    const second = await two.lockAll(LONG);
    for (let target = 0; target < TARGETS; target += 1) {
      const byte = { at: target * UNIT + 7, length: 1, mode: "exclusive" } as const;
      assert.equal(await one.tryLock(byte), undefined);
    }
    await first.release();
    assert.equal(await one.tryLock({ at: TARGETS * UNIT - 1, length: 1, mode: "exclusive" }), undefined);
    await second.release();
    await using _ = (await one.tryLock({ at: 9, length: 1, mode: "exclusive" })) as AsyncDisposable;
    await assert.rejects(two.lockAll({ timeoutMs: 50 }), (error) => isDidafsError(error, "ERR_TIMEOUT"));
  });

  it("a flush of one target is of one that the window has bytes on", async () => {
    const layout = { size: TARGETS * UNIT, targets: TARGETS, stripeUnit: UNIT };
    const file = await local.cluster.open("/one-target", { create: true, ...layout });
    await using window = await file.window({ rights: "rw" });
    const ids = file.layout.regions.map(({ target }) => target);
    await window.store(UNIT, 1);
    await window.flush("stable", { target: ids[1], ...LONG });
    await assert.rejects(window.flush("memory", { target: "f".repeat(32) }), (error: Error) => {
      return isDidafsError(error, "ERR_INVALID_ARGUMENT") && /no byte on target f{32}/.test(error.message);
    });
    await using part = await file.window({ at: 0, length: UNIT });
    await assert.rejects(part.flush("memory", { target: ids[1] }), (error) =>
      isDidafsError(error, "ERR_INVALID_ARGUMENT"),
    );
  });
});
