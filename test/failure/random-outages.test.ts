/** Services end and stand still at random under load; see docs/internals.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { firstSeed } from "../support/first-seed.ts";
import { aftermath } from "./aftermath.ts";
import { Fleet } from "./fleet.ts";
import { Outages } from "./outages.ts";
import { Services } from "./services.ts";

const { DIDAFS_FAILURE_ROUNDS } = process.env;
/** Each kind of outage once. */
const DEFAULT_ROUNDS = 7;
const ROUND_MS = 60_000;

const seed = firstSeed("DIDAFS_FAILURE_SEED");
const rounds = Number(DIDAFS_FAILURE_ROUNDS || DEFAULT_ROUNDS);

/** A client of each kind, all at work when it resolves. */
async function recruit(fleet: Fleet): Promise<void> {
  const transport = "direct";
  fleet.addWriter({ path: "/w/direct", transport, sharing: "managed", targets: 1, sync: false, seed });
  fleet.addWriter({ path: "/w/tcp", transport: "tcp", sharing: "managed", targets: 3, sync: false, seed });
  fleet.addWriter({ path: "/w/sync", transport, sharing: "managed", targets: 3, sync: true, seed });
  fleet.addWriter({ path: "/w/raw", transport, sharing: "raw", targets: 3, sync: false, seed });
  await fleet.getsOn();
  fleet.addReader({ path: "/w/tcp", transport, sharing: "managed", seed });
  fleet.addReader({ path: "/w/direct", transport: "tcp", sharing: "managed", seed });
  fleet.addReader({ path: "/w/raw", transport, sharing: "raw", seed });
  fleet.addNameWorker({ directory: "/n/one", transport: "auto", seed });
  fleet.addNameWorker({ directory: "/n/two", transport: "auto", seed: seed + 1 });
  await fleet.getsOn();
}

test("what was acknowledged survives services that are killed and paused at random", {
  timeout: (rounds + 2) * ROUND_MS,
}, async (t) => {
  const replay = `DIDAFS_FAILURE_SEED=${seed} DIDAFS_FAILURE_ROUNDS=${rounds}`;
  t.diagnostic(replay);
  await using services = await Services.start({ targets: 3 });
  await using fleet = new Fleet(services);
  const outages = new Outages(services, seed, rounds > DEFAULT_ROUNDS);
  const history: string[] = [];
  const startMs = performance.now();
  const say = (what: string): void => {
    const line = `${((performance.now() - startMs) / 1000).toFixed(1)} s: ${what}`;
    history.push(line);
    t.diagnostic(line);
  };
  try {
    await recruit(fleet);
    for (let round = 0; round < rounds; round += 1) {
      await sleep(outages.nextMs());
      await outages.next(say);
      await fleet.getsOn();
    }
    say("the clients are to end");
    await fleet.finish();
    say("all is held against what was acknowledged");
    assert.deepEqual(await aftermath(services, fleet), []);
  } catch (error) {
    throw new Error(`${replay}\n${history.join("\n")}`, { cause: error });
  }
  const failures = JSON.stringify(Object.fromEntries(fleet.failures));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  t.diagnostic(`${seconds} s, ${fleet.doneCount} calls done; failed: ${failures}`);
});
