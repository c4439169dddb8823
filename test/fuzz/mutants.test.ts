/** Faults planted on purpose, which a live run must find. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { announce, SEED, timeoutOf } from "./budget.ts";
import { attackLive } from "./live/run.ts";

const SECONDS = 30;

/** Whatever shows it first: a status, a canary, or what somebody else reads. */
const MUTANTS = {
  "range-off-by-one": /: not RANGE|lies outside of every binding|byte \d+ of/,
  "forgets-rights": /: not RIGHTS|lies outside of every binding|byte \d+ of/,
  "epochs-write-beside": /lies outside of every binding|byte \d+ of/,
  "writes-behind-its-region": /ended with SIGSEGV/,
};

for (const [mutant, sign] of Object.entries(MUTANTS)) {
  test(`a target that is broken (${mutant}) is found out`, timeoutOf("live-unix"), async (context) => {
    announce(context, "live-unix");
    const found = await attackLive({
      kind: "unix",
      seed: SEED,
      seconds: SECONDS,
      framesMin: Number.POSITIVE_INFINITY,
      overtimeSeconds: 0,
      preloads: [`../mutants/${mutant}`],
      say: () => {},
    }).then(
      () => "nothing",
      (error: unknown) => String(error),
    );
    assert.match(found, sign);
    context.diagnostic(found);
  });
}
