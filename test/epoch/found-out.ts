import assert from "node:assert/strict";
import type { TestContext } from "node:test";

/** One of the searches, in their order, must find something wrong; says what. */
export function assertFoundOut(context: TestContext, searches: readonly (() => void)[]): void {
  let found: unknown;
  for (const search of searches) {
    try {
      search();
    } catch (error) {
      found = error;
      break;
    }
  }
  assert.ok(found !== undefined, "every state looks right");
  const { message, cause } = found as Error;
  context.diagnostic(String((cause as Error | undefined)?.message ?? message).split("\n")[0] ?? "");
}
