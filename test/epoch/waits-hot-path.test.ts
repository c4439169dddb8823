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

async function measured(): Promise<Result> {
  const child = new URL("waits-hot-path-child.ts", import.meta.url).pathname;
  const flags = ["--max-semi-space-size=512", "--min-semi-space-size=512"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, `${CALLS}`], {
    timeout: 100_000,
  });
  return JSON.parse(stdout);
}

test("barriers allocate nothing, nor do writes that no wait for a word is about", async (context) => {
  const runs = [await measured(), await measured(), await measured()];
  const { results, passed, isRight } = runs[0] as Result;
  const objects = results.at(-1);
  assert.ok(objects !== undefined && objects.bytes / objects.calls > 20, "what is allocated is seen");
  assert.ok(isRight && passed === results[0]?.calls, "each did what it is for");
  for (const { name, calls } of results.slice(0, -1)) {
    // When the engine compiles differs, and what it needs for that lies on the heap, too: the least of three runs is the table's.
    const same = runs.flatMap((run) => run.results).filter((result) => result.name === name);
    const each = Math.min(...same.map(({ bytes }) => bytes)) / calls;
    context.diagnostic(`${name}: ${each.toFixed(2)} bytes`);
    assert.ok(each <= NOTHING, `${name}: ${each} bytes a call`);
  }
});
