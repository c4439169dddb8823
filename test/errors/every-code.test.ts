/** Every code of the table is met by somebody: each is provoked from outside, and says what the table says of it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ERROR_TABLE, type ErrorCode } from "../../src/std/errors.ts";
import { ACCESS_SCENARIOS } from "./access-scenarios.ts";
import { CALL_SCENARIOS } from "./call-scenarios.ts";
import { DRIVE_SCENARIOS } from "./drive-scenarios.ts";
import { EPOCH_SCENARIOS } from "./epoch-scenarios.ts";
import { Fixture, type Scenarios, type Told } from "./fixture.ts";
import { GROUP_SCENARIOS } from "./group-scenarios.ts";
import { NAME_SCENARIOS } from "./name-scenarios.ts";
import { RUNNING_SCENARIOS } from "./running-scenarios.ts";
import { SESSION_SCENARIOS } from "./session-scenarios.ts";

/** A code without a scenario, and a scenario without a code, are errors of type. */
const SCENARIOS: Scenarios<ErrorCode> = {
  ...NAME_SCENARIOS,
  ...CALL_SCENARIOS,
  ...ACCESS_SCENARIOS,
  ...EPOCH_SCENARIOS,
  ...SESSION_SCENARIOS,
  ...DRIVE_SCENARIOS,
  ...RUNNING_SCENARIOS,
  ...GROUP_SCENARIOS,
};

const fixture = new Fixture();
after(() => fixture[Symbol.asyncDispose]());

for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
  const { names, applied = "no", provoke } = SCENARIOS[code];
  test(`${code} is met, and says what happened`, async () => {
    const told = await failure(() => provoke(fixture));
    const [, errno, action] = ERROR_TABLE[code];
    const expected = { code, errno: -errno, action, applied };
    const { message } = told;
    assert.deepEqual(
      { code: told.code, errno: told.errno, action: told.action, applied: told.applied },
      expected,
      message,
    );
    assert.match(message, names);
  });
}

/** What was thrown, or told by another process. */
async function failure(provoke: () => unknown): Promise<Told> {
  let outcome: unknown;
  try {
    outcome = await provoke();
  } catch (error) {
    outcome = error;
  }
  if (typeof outcome !== "object" || outcome === null || !("code" in outcome)) {
    assert.fail(`nothing failed, or not with a code: ${String((outcome as Error)?.stack ?? outcome)}`);
  }
  return outcome as Told;
}
