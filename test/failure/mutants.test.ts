/** Faults planted on purpose, which the failure tests must find. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstSeed } from "../support/first-seed.ts";
import { aftermath } from "./aftermath.ts";
import { Fleet } from "./fleet.ts";
import { Services } from "./services.ts";

/** Of each client, before and after the kill: enough for names to have been removed. */
const CALLS = 100;
/** What a mutant leaves behind stays. */
const SWEEP_MS = 5000;

const MUTANTS = {
  "answers-before-commit":
    /neither as without it nor as with it|must be|failed|belongs to no file|is gone|level":"error/,
  "forgets-regions": /belongs to no file/,
  // Told by the writer itself, before it writes over what is not there.
  "keeps-to-itself":
    /writer of \/w: .*slot \d+: (stamp|byte \d+ of its block is) of write \d+, writes \d+ to \d+ are possible/,
};

/** @returns what was found wrong with services that were killed under load */
async function faultsOf(mutant: string): Promise<string> {
  const seed = firstSeed("DIDAFS_FAILURE_SEED");
  const env = { NODE_OPTIONS: `--import=${new URL(`./mutants/${mutant}.ts`, import.meta.url)}` };
  await using services = await Services.start({ targets: 3, env });
  await using fleet = new Fleet(services);
  try {
    fleet.addWriter({ path: "/w", transport: "tcp", sharing: "managed", targets: 3, sync: false, seed });
    fleet.addNameWorker({ directory: "/n", transport: "auto", seed });
    await fleet.getsOn(CALLS);
    const victims = await services.list();
    services.kill(victims);
    await services.whole(victims);
    await fleet.getsOn(CALLS);
    await fleet.finish();
  } catch (error) {
    return String(error);
  }
  return (await aftermath(services, fleet, SWEEP_MS)).join("\n");
}

for (const [mutant, sign] of Object.entries(MUTANTS)) {
  test(`services that are broken (${mutant}) are found out`, async () => {
    assert.match(await faultsOf(mutant), sign);
  });
}
