/** What epochs outlast once they are closed: the end of processes with durability `memory`, a loss of power with `stable` only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DidafsWindow, EpochOptions } from "../../src/client/api.ts";
import type { ClusterClient } from "../../src/client/cluster.ts";
import type { ClientProcess } from "../../src/sim/world/client-process.ts";
import type { World } from "../../src/sim/world/world.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { newWorld } from "./durability-world.ts";

const UNIT = 4096;
const PLACES = [0, UNIT] as const;
const ROUNDS = 6;
const LIMIT_MS = 120_000;
const AGAIN_MS = 100;

type Fault = (world: World) => void;

const FAULTS = {
  "the end of its origin": (world: World) => {
    for (const client of world.clients) world.killClient(client);
    world.startAll();
  },
  "the end of the targets": (world: World) => {
    for (const target of world.targets) world.killTarget(target);
    world.startAll();
  },
  "a loss of power": (world: World) => {
    world.powerOff("machine-0");
    world.powerOn("machine-0");
  },
} as const;

/** Whoever lost a target opens the file anew. */
async function withWindow<T>(
  client: ClientProcess,
  cluster: ClusterClient,
  use: (window: DidafsWindow) => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      const options = { create: true, size: 2 * UNIT, targets: 2, stripeUnit: UNIT } as const;
      await using file = await cluster.open("/lasting", options);
      await using window = await file.window({ rights: "rw" });
      return await use(window);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      await client.sleep(AGAIN_MS);
    }
  }
}

/** @returns what is found after each round: its number, where its epoch has lasted */
async function rounds(options: EpochOptions, fault: Fault): Promise<number[][]> {
  const world = newWorld(11);
  await world.startServices(LIMIT_MS);
  const found: number[][] = [];
  let [closed, faults] = [0, 0];
  const plan = { machine: 1, transport: "tcp", leaseMs: 5000, timeoutMs: 5000 } as const;
  // Each life of the client goes on where the one before it has ended.
  world.addClient(plan, async (client) => {
    const cluster = await client.connect();
    while (found.length < ROUNDS) {
      if (closed === found.length) {
        const round = closed + 1;
        await withWindow(client, cluster, (window) =>
          window.epoch(options, async (e) => {
            for (const at of PLACES) await e.store(at, round);
          }),
        );
        closed = round;
      }
      while (faults < closed) await client.sleep(1);
      found.push(
        await withWindow(client, cluster, (window) => Promise.all(PLACES.map((at) => window.load(at)))),
      );
    }
  });
  for (let round = 1; round <= ROUNDS; round += 1) {
    assert.ok(await world.scheduler.until(() => closed === round, world.nowMs + LIMIT_MS), "it is closed");
    fault(world);
    faults = round;
    assert.ok(
      await world.scheduler.until(() => found.length === round, world.nowMs + LIMIT_MS),
      "it is read",
    );
  }
  return found;
}

const LASTING = Array.from({ length: ROUNDS }, (_, round) => PLACES.map(() => round + 1));

for (const atomicity of ["all", "none"] as const) {
  const options = (durability: "memory" | "stable"): EpochOptions => ({
    atomicity,
    isolation: "none",
    durability,
  });
  for (const [name, fault] of Object.entries(FAULTS)) {
    test(`atomicity ${atomicity}, durability stable outlasts ${name}`, async () => {
      assert.deepEqual(await rounds(options("stable"), fault), LASTING);
    });
    const outlasts = name !== "a loss of power";
    test(`atomicity ${atomicity}, durability memory ${outlasts ? "outlasts" : "does not outlast"} ${name}`, async () => {
      const found = await rounds(options("memory"), fault);
      if (outlasts) assert.deepEqual(found, LASTING);
      else assert.notDeepEqual(found, LASTING);
    });
  }
}
