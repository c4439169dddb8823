/** What a file's data need besides themselves, its name and its size, is as durable as they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DidafsWindow } from "../../src/client/api.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { newWorld } from "./durability-world.ts";

const UNIT = 4096;
/** A file that was just made grows: a stripe of each target lies behind its old end. */
const OLD_SIZE = 2 * UNIT;
const NEW_SIZE = 6 * UNIT;
const PLACES = [0, OLD_SIZE, OLD_SIZE + UNIT, NEW_SIZE - 8] as const;
const LAYOUT = { create: "exclusive", size: OLD_SIZE, targets: 2, stripeUnit: UNIT } as const;
const VALUE = 7;
/** Of what nobody has synced a seed says what survives. */
const SEEDS = 8;
const LIMIT_MS = 120_000;
const AGAIN_MS = 100;

type Durability = "memory" | "stable";
type Write = (window: DidafsWindow, durability: Durability) => Promise<void>;

interface Found {
  readonly size: number;
  readonly values: readonly number[];
}

/** @returns what its name leads to when every machine of the cluster has lost power behind the write */
async function afterLoss(seed: number, write: Write, durability: Durability): Promise<Found> {
  const world = newWorld(seed);
  await world.startServices(LIMIT_MS);
  let isWritten = false;
  let found: Found | undefined;
  const plan = { machine: 1, transport: "tcp", leaseMs: 5000, timeoutMs: 5000 } as const;
  // Each life of the client goes on where the one before it has ended.
  world.addClient(plan, async (client) => {
    const read = async (): Promise<Found> => {
      await using cluster = await client.connect();
      const { size } = await cluster.stat("/grown");
      await using file = await cluster.open("/grown");
      await using window = await file.window();
      return { size, values: await Promise.all(PLACES.map((at) => window.load(at))) };
    };
    if (!isWritten) {
      const cluster = await client.connect();
      // The logs of epochs are there then: what is made with them makes nothing else durable.
      const other = await cluster.open("/other", LAYOUT);
      await (await other.window({ rights: "rw" })).epoch((e) => e.put(0, new Uint8Array(OLD_SIZE)));
      const file = await cluster.open("/grown", LAYOUT);
      await file.resize(NEW_SIZE);
      await write(await file.window({ rights: "rw" }), durability);
      isWritten = true;
      return;
    }
    while (found === undefined) {
      try {
        found = await read();
      } catch (error) {
        // Not everybody is back yet. A name that is gone stays so.
        if (!isDidafsError(error) || isDidafsError(error, "ENOENT")) throw error;
        await client.sleep(AGAIN_MS);
      }
    }
  });
  assert.ok(await world.scheduler.until(() => isWritten, world.nowMs + LIMIT_MS), "it is written");
  for (const machine of world.machines) world.powerOff(machine);
  for (const machine of world.machines) world.powerOn(machine);
  await world.scheduler.until(() => found !== undefined, world.nowMs + LIMIT_MS);
  assert.ok(found !== undefined, "it is read");
  return found;
}

async function storeAll(access: Pick<DidafsWindow, "store">): Promise<void> {
  await Promise.all(PLACES.map((at) => access.store(at, VALUE)));
}

const WRITES: Readonly<Record<string, Write>> = {
  "an atomic epoch": (window, durability) => window.epoch({ durability }, storeAll),
  "an epoch without atomicity": (window, durability) =>
    window.epoch({ atomicity: "none", isolation: "none", durability }, storeAll),
  "a flush": async (window, durability) => {
    await storeAll(window);
    await window.flush(durability);
  },
};

for (const [name, write] of Object.entries(WRITES)) {
  test(`stable covers the names and sizes that the data need: ${name}`, async () => {
    let lost = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const whole = { size: NEW_SIZE, values: PLACES.map(() => VALUE) };
      assert.deepEqual(await afterLoss(seed, write, "stable"), whole, `seed ${seed}`);
      const { size, values } = await afterLoss(seed, write, "memory");
      assert.equal(size, NEW_SIZE, `seed ${seed}: whoever resized it was told so`);
      if (values.some((value) => value !== VALUE)) lost += 1;
    }
    assert.ok(lost > 0, "no loss of power has taken anything that was not stable");
  });
}
