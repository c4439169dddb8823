import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const NOTIFICATIONS = 1_000_000;
/** Of noise: what the measuring itself allocates, over more than a hundred thousand notifications. */
const NOTHING = 0.5;
/** What the engine needs for one notification, by load. */
const EXCEPTIONS: Readonly<Record<string, number>> = {
  // An offset of more than 31 bits is boxed where it is handed over.
  "far away in a region": 16.5,
};

interface Result {
  readonly results: readonly {
    readonly name: string;
    readonly notifications: number;
    readonly bytes: number;
  }[];
  readonly answers: number;
  readonly waiting: number;
}

test("a million notifications allocate nothing, whether they are let in, wait, or match nobody", async (context) => {
  const child = new URL("notification-hot-path-child.ts", import.meta.url).pathname;
  const flags = ["--max-semi-space-size=512", "--min-semi-space-size=512"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, `${NOTIFICATIONS}`], {
    timeout: 100_000,
  });
  const { results, answers, waiting }: Result = JSON.parse(stdout);
  const objects = results.at(-1);
  assert.ok(objects !== undefined && objects.bytes / objects.notifications > 20, "what is allocated is seen");
  const loads = results.slice(0, -1);
  const total = loads.reduce((sum, { notifications }) => sum + notifications, 0);
  assert.ok(total >= NOTIFICATIONS && answers > total && waiting === 0, "each was answered");
  for (const { name, notifications, bytes } of loads) {
    const each = bytes / notifications;
    context.diagnostic(`${name}: ${each.toFixed(2)} bytes`);
    assert.ok(each <= (EXCEPTIONS[name] ?? NOTHING), `${name}: ${each} bytes a notification`);
  }
});
