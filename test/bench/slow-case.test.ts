/** A case that is slow is waited for as long as it says how far it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CaseProcess } from "../../bench/harness/case-process.ts";

const WITHIN_MS = 8_000;
const PART_MS = 500;

function opened(parts: number, withinMs: number): Promise<CaseProcess> {
  const module = new URL("./fixtures/slow.ts", import.meta.url).href;
  const setup = { cluster: undefined, dir: "/", parameters: { parts, partMs: PART_MS } };
  const plan = { module, setup, warmUpMs: 1, roundMs: 1, withinMs };
  return CaseProcess.open("slow", plan, AbortSignal.timeout(60_000));
}

test("a case that makes progress may take longer to open than it may be silent", async () => {
  const parts = WITHIN_MS / PART_MS + 2;
  const running = await opened(parts, WITHIN_MS);
  await running.close();
});

test("a case that says nothing ends with an error that names it", async () => {
  await assert.rejects(opened(0, 50), {
    code: "ERR_TIMEOUT",
    message: /case slow gave no sign of life for 50 ms/,
  });
});
