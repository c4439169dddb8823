/** Those who poll must let each other work where they share a processor. How fast they are never decides. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { PollerOrder, PollerRun } from "../../bench/crowd/poller-messages.ts";
import { HelperProcess } from "../../bench/harness/helper-process.ts";
import { childrenOf, startOwnCluster } from "../../bench/harness/own-cluster.ts";

const CLIENT = new URL("../../bench/crowd/poller-client.ts", import.meta.url);
/** Who is starved does a few in that time, since each of them takes a slice of the scheduler's. */
const RUN_MS = 1500;

test("two clients that poll a target on one processor all get on", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-pollers-"));
  await using closers = new AsyncDisposableStack();
  closers.defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  const cluster = await startOwnCluster(path.join(dir, "data"), 1, 0);
  closers.defer(() => cluster.stop());
  assert.equal(childrenOf(cluster.supervisorPid).length, 2);
  const pollers = [0, 1].map(() => new HelperProcess<PollerOrder, PollerRun | undefined>(CLIENT, 0));
  for (const [i, poller] of pollers.entries()) {
    closers.defer(() => poller.close());
    await poller.ask({ open: cluster.address, path: `/polled-${i}` });
  }
  const runs = (await Promise.all(pollers.map((poller) => poller.ask({ runMs: RUN_MS })))) as PollerRun[];
  assert.ok(runs.every(({ isRight }) => isRight));
  const counts = runs.map(({ samplesNs }) => samplesNs.length);
  // Generous: on a machine that is busy otherwise each does some hundreds.
  assert.ok(Math.min(...counts) >= 20, `${counts}`);
  assert.ok(Math.min(...counts) * 20 >= Math.max(...counts), `${counts}`);
});
