import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const CALLS = 1_000_000;
/** Of noise: what the measuring itself allocates, over more than a hundred thousand calls. */
const NOTHING = 0.5;

interface Result {
  readonly results: readonly { readonly name: string; readonly calls: number; readonly bytes: number }[];
  readonly passed: number;
  readonly isRight: boolean;
}

test("barriers allocate nothing, nor do writes that no wait for a word is about", async (context) => {
  const child = new URL("waits-hot-path-child.ts", import.meta.url).pathname;
  const flags = ["--max-semi-space-size=512", "--min-semi-space-size=512"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, `${CALLS}`], {
    timeout: 100_000,
  });
  const { results, passed, isRight }: Result = JSON.parse(stdout);
  const objects = results.at(-1);
  assert.ok(objects !== undefined && objects.bytes / objects.calls > 20, "what is allocated is seen");
  assert.ok(isRight && passed === results[0]?.calls, "each did what it is for");
  for (const { name, calls, bytes } of results.slice(0, -1)) {
    const each = bytes / calls;
    context.diagnostic(`${name}: ${each.toFixed(2)} bytes`);
    assert.ok(each <= NOTHING, `${name}: ${each} bytes a call`);
  }
});
