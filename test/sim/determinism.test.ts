import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { drawOptions } from "../../src/sim/run/options.ts";
import { runSeed } from "../../src/sim/run/run-seed.ts";
import { turn } from "./turn.ts";

const CHILD = fileURLToPath(new URL("fixtures/digest-child.ts", import.meta.url));

test("the same seed gives the same run to the byte, also in another process; another seed another run", async (context) => {
  const seed = randomInt(2 ** 30);
  context.diagnostic(`seed ${seed}`);
  const lines: string[] = [];
  const first = await runSeed(seed, { turn, print: (line) => lines.push(line) });
  const second = await runSeed(seed, { turn });
  assert.deepEqual(second, first);
  assert.ok(first.operations > 0 && first.steps > 100, "something happens");
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, String(seed)]);
  assert.equal(stdout.trim(), `${first.digest} ${first.steps}`);
  const other = await runSeed(seed + 1, { turn });
  assert.notEqual(other.digest, first.digest);
  assert.match(lines[0] as string, /^0\.000 options \{"seed":/, "what was drawn comes first");
});

test("options are drawn from the seed alone, and differ", () => {
  const texts = Array.from({ length: 50 }, (_, seed) => JSON.stringify({ ...drawOptions(seed), seed: 0 }));
  assert.equal(new Set(texts).size, 50);
  assert.equal(JSON.stringify({ ...drawOptions(7), seed: 0 }), texts[7]);
});
