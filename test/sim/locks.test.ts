import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Transport } from "../../src/client/api.ts";
import { type DidafsWindow, isDidafsError, type Lock, type Range } from "../../src/index.ts";
import type { Stream } from "../../src/ports/network.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { SimCluster } from "./sim-cluster.ts";

const UNIT = 4096;
const SIZE = 4 * UNIT;
const TASKS = 2;
const ROUNDS = 40;
const SEEDS = [41, 42, 43, 44];
const LEASE_MS = 10_000;

/** A whole cluster, and windows of clients of each kind on a file on two targets. */
async function started(seed: number, transports: readonly Transport[], sharing: "managed" | "raw") {
  const sim = await SimCluster.start(2, seed);
  const create = { create: true, size: SIZE, targets: 2, stripeUnit: UNIT };
  const clients = [];
  for (const transport of transports) {
    const client = await sim.connect(transport);
    const file = await sim.settle(client.open("/locks", create));
    clients.push({ client, window: await sim.settle(file.window({ rights: "rw", sharing })) });
  }
  return { sim, clients };
}

function overlap(one: Range, other: Range): boolean {
  return one.at < other.at + other.length && other.at < one.at + one.length;
}

describe("locks in a simulated cluster", () => {
  for (const seed of SEEDS) {
    for (const sharing of ["managed", "raw"] as const) {
      it(`exclude each other whatever is asked when (seed ${seed}, ${sharing})`, async () => {
        const { sim, clients } = await started(seed, ["direct", "tcp", "tcp"], sharing);
        const dice = new SimRandom(seed);
        const held = new Set<Range>();
        const outcomes = new Map<string, number>();
        const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        const yields = async (times: number): Promise<void> => {
          for (let i = 0; i < times; i += 1) await new Promise((resolve) => setImmediate(resolve));
        };

        async function take(window: DidafsWindow): Promise<Lock | undefined> {
          const at = dice.between(0, SIZE - 1);
          const length = dice.between(1, Math.min(SIZE - at, 2 * UNIT));
          const range: Range = { at, length, mode: dice.between(0, 2) === 0 ? "exclusive" : "shared" };
          if (dice.between(0, 3) === 0) return window.tryLock(range);
          if (dice.between(0, 3) > 0) return window.lock(range);
          const controller = new AbortController();
          const waiting = window.lock(range, {
            timeoutMs: dice.between(1, 20) / 10,
            signal: controller.signal,
          });
          if (dice.between(0, 1) === 0) void yields(dice.between(1, 5)).then(() => controller.abort());
          return waiting;
        }

        async function task(window: DidafsWindow): Promise<void> {
          for (let round = 0; round < ROUNDS; round += 1) {
            try {
              await using lock = await take(window);
              count(lock === undefined ? "busy" : "held");
              if (lock === undefined) continue;
              for (const other of held) {
                const both = other.mode === "shared" && lock.range.mode === "shared";
                assert.ok(both || !overlap(other, lock.range), "two that conflict are held");
              }
              held.add(lock.range);
              await yields(dice.between(0, 4));
              held.delete(lock.range);
            } catch (error) {
              if (!isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED")) throw error;
              count(error.code);
            }
          }
        }

        const tasks = clients.flatMap(({ window }) => Array.from({ length: TASKS }, () => task(window)));
        await sim.settle(Promise.all(tasks));
        for (const outcome of ["held", "busy", "ERR_ABORTED"]) {
          assert.ok((outcomes.get(outcome) ?? 0) > 0, `${outcome}: ${JSON.stringify([...outcomes])}`);
        }
        for (const { window } of clients) {
          const all = await sim.settle(window.lock({ at: 0, length: SIZE, mode: "exclusive" }));
          await sim.settle(all.release());
        }
        for (const { client } of clients) await sim.settle(client.close());
        await sim.close();
      });
    }
  }

  it("a stopped client's lock passes on when its lease has ended, and is lost when it goes on", async () => {
    const { sim, clients } = await started(51, ["tcp", "direct"], "managed");
    const [first, next] = clients as [(typeof clients)[0], (typeof clients)[0]];
    const whole = { at: 0, length: SIZE, mode: "exclusive" } as const;
    const lock = await sim.settle(first.window.lock(whole));
    sim.pause(first.client, true);
    const stoppedMs = sim.clock.nowMs();
    const waiting = next.window.lock(whole, { timeoutMs: 60_000 });
    let got: Lock | undefined;
    void waiting.then((granted) => {
      got = granted;
    });
    while (got === undefined) await sim.pass(500);
    // It renews three times a lease.
    assert.ok(sim.clock.nowMs() - stoppedMs >= (2 / 3) * LEASE_MS);
    sim.pause(first.client, false);
    await sim.pass(500);
    assert.ok(isDidafsError(lock.lost.reason, "ERR_SESSION_LOST"), String(lock.lost.reason));
    assert.ok(!(got as Lock).lost.aborted);
    for (const { client } of clients) await sim.settle(client.close());
    await sim.close();
  });

  it("a lock on two targets that is lost at one stays at the other until it is released", async () => {
    const sim = await SimCluster.start(2, 53);
    const streams = sim.recordDataStreams();
    const create = { create: true, size: SIZE, targets: 2, stripeUnit: UNIT };
    const windows: DidafsWindow[] = [];
    const clients = [await sim.connect("tcp"), await sim.connect("direct")];
    for (const client of clients) {
      const file = await sim.settle(client.open("/locks", create));
      windows.push(await sim.settle(file.window({ rights: "rw" })));
    }
    const [first, next] = windows as [DidafsWindow, DidafsWindow];
    const lock = await sim.settle(first.lock({ at: 0, length: SIZE, mode: "exclusive" }));
    const freeUnits = async (): Promise<number> => {
      let count = 0;
      for (const at of [0, UNIT]) {
        const got = await sim.settle(next.tryLock({ at, length: 1, mode: "exclusive" }));
        if (got === undefined) continue;
        count += 1;
        await sim.settle(got.release());
      }
      return count;
    };
    streams[0]?.close();
    // One of them is on the target whose stream is broken.
    await sim.settle(Promise.allSettled([first.load(0), first.load(UNIT)]));
    assert.ok(isDidafsError(lock.lost.reason, "ERR_SESSION_LOST"), String(lock.lost.reason));
    assert.equal(await freeUnits(), 0, "who has not seen it yet may still write to the other target");
    await sim.settle(lock.release());
    assert.equal(await freeUnits(), 1, "the lease of the session that has ended lasts");
    for (const client of clients) await sim.settle(client.close());
    await sim.close();
  });

  it("a lock on what was mapped passes on however often the word that it is unmapped gets lost", async () => {
    const sim = await SimCluster.start(1, 54);
    const controls: Stream[] = [];
    let isDeaf = false;
    sim.onConnect((stream, isData) => {
      if (!isData) controls.push(stream);
      if (isDeaf) stream.close();
    });
    const windows: DidafsWindow[] = [];
    const clients = [await sim.connect("direct"), await sim.connect("tcp")];
    for (const client of clients) {
      const file = await sim.settle(client.open("/locks", { create: true, size: SIZE }));
      windows.push(await sim.settle(file.window({ rights: "rw", sharing: "raw" })));
    }
    const [first, next] = windows as [DidafsWindow, DidafsWindow];
    const lock = await sim.settle(first.lock({ at: 0, length: SIZE, mode: "exclusive" }));
    isDeaf = true;
    for (const stream of controls.slice(0, -2)) stream.close();
    await sim.pass(2 * LEASE_MS);
    assert.ok(lock.lost.aborted);
    const range = { at: 0, length: 1, mode: "exclusive" } as const;
    assert.equal(await sim.settle(next.tryLock(range)), undefined);
    isDeaf = false;
    await sim.pass(LEASE_MS);
    assert.ok(await sim.settle(next.tryLock(range)));
    for (const client of clients) await sim.settle(client.close());
    await sim.close();
  });

  it("a client that is connected and silent keeps what it holds", async () => {
    const { sim, clients } = await started(52, ["tcp", "direct"], "managed");
    const [first, next] = clients as [(typeof clients)[0], (typeof clients)[0]];
    const lock = await sim.settle(first.window.lock({ at: 5, length: 1, mode: "shared" }));
    await sim.pass(10 * LEASE_MS);
    assert.equal(
      await sim.settle(next.window.tryLock({ at: 0, length: SIZE, mode: "exclusive" })),
      undefined,
    );
    assert.ok(!lock.lost.aborted);
    for (const { client } of clients) await sim.settle(client.close());
    await sim.close();
  });
});
