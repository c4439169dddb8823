/** Targets and origins end at every step of a commit, and of recovery; see docs/internals.md. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { countersFile } from "../../src/runtime/target-counters.ts";
import { FAILPOINTS, type Failpoint } from "../../src/std/failpoints.ts";
import { aftermath } from "./aftermath.ts";
import { type Role, Stage } from "./epoch-stage.ts";

/** Ends of each role at each step that it comes to. */
const ROUNDS = Number(process.env.DIDAFS_EPOCH_ROUNDS || 5);
/** Those that come while one sync runs share the next: so many at most, of so few origins. */
const EPOCHS_A_SYNC = 16;

/** Who comes to which step. Only the decider decides, and only the others finish; what is over is so for both. */
const ROLES: Readonly<Record<Failpoint, readonly Role[]>> = {
  "asked to prepare": ["origin"],
  "asked to decide": ["origin"],
  "asked to finish": ["origin"],
  acknowledged: ["origin"],
  prepared: ["decider", "participant"],
  promised: ["decider", "participant"],
  decided: ["decider"],
  applied: ["decider", "participant"],
  committed: ["decider", "participant"],
  finished: ["participant"],
  over: ["decider", "participant"],
  "log read": ["decider", "participant"],
  redone: ["decider", "participant"],
  "redone durably": ["decider", "participant"],
};

/** Of all targets, up to now. */
function syncCount({ services }: Stage): number {
  const folders = readdirSync(services.data).filter((name) => name.startsWith("target-"));
  const looks = folders.map((name) => lookAtCounters(countersFile(path.join(services.data, name)), 0));
  return looks.flatMap(({ workers }) => workers).reduce((sum, { counts }) => sum + counts.syncs, 0);
}

/** Held against what was acknowledged, before the services go. @returns what is wrong */
async function faultsLeft({ services, fleet }: Stage): Promise<string[]> {
  await fleet.finish();
  return await aftermath(services, fleet);
}

test("epochs are all or nothing, and what was acknowledged stays, whoever ends at whatever step", {
  timeout: 20 * 60_000,
}, async (t) => {
  const startMs = performance.now();
  await using stage = await Stage.set();
  const { ends, fleet } = stage;
  for (const step of FAILPOINTS) {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const role of ROLES[step]) await stage.end(step, role);
    }
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
    t.diagnostic(`${step}: ${JSON.stringify(ends[step])}, ${seconds} s, ${fleet.epochCount} epochs`);
  }
  for (const step of FAILPOINTS) {
    for (const role of ROLES[step]) {
      const count = ends[step]?.[role] ?? 0;
      assert.ok(count >= ROUNDS, `only ${count} times a ${role} has ended at "${step}"`);
    }
  }
  // What it has decided and what it is in doubt about lie in one log then.
  await stage.mixRoles();
  for (const step of FAILPOINTS) if (!ROLES[step].includes("origin")) await stage.end(step, "decider");
  await stage.endAll();
  t.diagnostic(`failed: ${JSON.stringify(Object.fromEntries(fleet.failures))}`);
  assert.deepEqual(await faultsLeft(stage), []);
});

/** @returns what a few ends bring to light */
async function faultsOf(mutant: string): Promise<string> {
  await using stage = await Stage.set(mutant);
  try {
    for (let round = 0; round < 2; round += 1) {
      await stage.end("committed", "decider");
      await stage.end("finished", "participant");
      await stage.end("promised", "decider");
    }
    return (await faultsLeft(stage)).join("\n");
  } catch (error) {
    return String(error);
  }
}

for (const mutant of ["no-decision-record", "no-epoch-recovery"]) {
  test(`targets that are broken (${mutant}) are found out`, { timeout: 5 * 60_000 }, async () => {
    assert.match(await faultsOf(mutant), /was torn|it is lost/);
  });
}

test("stable epochs are synced, and targets that do not (no-epoch-syncs) are found out", {
  timeout: 5 * 60_000,
}, async () => {
  for (const mutant of [undefined, "no-epoch-syncs"]) {
    await using stage = await Stage.set(mutant);
    const areSynced = syncCount(stage) * EPOCHS_A_SYNC >= stage.fleet.epochCount;
    assert.equal(areSynced, mutant === undefined);
  }
});

test("targets that lose one acknowledged epoch whole (forgets-last-epoch) are found out by its writer", {
  timeout: 5 * 60_000,
}, async () => {
  await using stage = await Stage.set("forgets-last-epoch");
  const fault = await stage.endAll().then(() => "none", String);
  const sign =
    /writer of epochs .*: group \d is as epoch (\d+) left it, and epoch (\d+) was acknowledged: it is lost/;
  assert.match(fault, sign);
  const [, found, acknowledged] = sign.exec(fault) as RegExpExecArray;
  assert.equal(Number(found), Number(acknowledged) - 1);
});
