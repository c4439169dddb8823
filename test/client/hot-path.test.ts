import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startLocalCluster } from "../support/local-cluster.ts";

/** Of each kind that allocates nothing; of the others fewer, or there would be something to collect. */
const OPERATIONS = 1_000_000;
const FEWER = 100_000;
/** Of noise: what the measuring itself allocates. */
const NOTHING = 0.5;
/** What the engine or the way into the C library need for one operation, by kind. */
const EXCEPTIONS: Readonly<Record<string, number>> = {
  // The part of the mapping that is copied is a short-lived view; a copy in C takes boxed addresses, and is no quicker.
  "raw getSync 4 KiB": 128,
  "managed batch of gets": 128,
  // A 64-bit word is a bigint, and so is each step on the way to it: four of 24 bytes.
  "raw fetchAddSync i64": 112,
  // Each call into the C library boxes an address: one for a block, and one for each poll, of which there are 2,200 at
  // most while a batch of 256 is under way. Quiet machines see 20 to 70 bytes.
  "tcp batch of gets": 400,
  "tcp batch of puts": 400,
};
/** Code thrown away in all of them: that of the agent, which has seen little by then, at most. */
const BAILOUTS_MAX = 5;

test("an origin's accesses allocate nothing on the caller's thread, and keep to their compiled code", async (context) => {
  await using local = await startLocalCluster();
  const child = new URL("hot-path-child.ts", import.meta.url).pathname;
  const flags = ["--max-semi-space-size=512", "--min-semi-space-size=512"];
  const counts = JSON.stringify({ each: OPERATIONS, fewer: FEWER, allocating: Object.keys(EXCEPTIONS) });
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, counts], {
    env: { ...process.env, ...local.env },
    timeout: 110_000,
    maxBuffer: 1 << 26,
  });
  const said = stdout.split("\n");
  assert.doesNotMatch(stdout, /Scavenge|Mark-Compact/, "what was collected would be missed here");
  const result = said.find((line) => line.startsWith("RESULT ")) as string;
  const loads: { name: string; operations: number; bytes: number }[] = JSON.parse(result.slice(7));
  for (const { name, operations, bytes } of loads) {
    assert.ok(operations >= (name in EXCEPTIONS ? FEWER : OPERATIONS));
    const each = bytes / operations;
    context.diagnostic(`${name}: ${each.toFixed(2)} bytes`);
    assert.ok(each <= (EXCEPTIONS[name] ?? NOTHING), `${name}: ${each} bytes an operation`);
  }
  const bailouts = said.filter((line) => line.includes("[bailout"));
  const canary = bailouts.filter((line) => line.includes("canary"));
  assert.ok(canary.length > 0, "code that is thrown away is said");
  assert.ok(bailouts.length - canary.length <= BAILOUTS_MAX, bailouts.join("\n"));
  // Without it the measure itself would be in doubt.
  const view = loads.find(({ name }) => name === "raw getSync 4 KiB");
  assert.ok(view !== undefined && view.bytes / view.operations > 20, "what is allocated is seen");
});
