import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterStatus, connect } from "../../src/index.ts";
import { startLocalCluster } from "../support/local-cluster.ts";
import { until } from "../support/process-cluster.ts";

const RANGE = { at: 0, length: 100, mode: "exclusive" } as const;
const FRAME_BYTES = 64;
const COUNTS = ["unixBytesIn", "unixBytesOut", "tcpBytesIn", "tcpBytesOut"] as const;

test("a free lock that goes from a direct origin to one over TCP costs each one message each way", async () => {
  await using local = await startLocalCluster({ targets: 1 });
  await using direct = await connect(local.cluster.url, { transport: "direct" });
  await using tcp = await connect(local.cluster.url, { transport: "tcp" });
  await using file = await direct.open("/lock", { create: true, size: 4096 });
  await using one = await file.window({ rights: "rw" });
  await using second = await tcp.open("/lock");
  await using other = await second.window({ rights: "rw" });
  // Connections have introduced themselves by then.
  await one.store(200, 1);
  await other.store(200, 2);
  const before = await counts(2);
  await (await one.lock(RANGE)).release();
  await (await other.lock(RANGE)).release();
  await (await one.tryLock(RANGE))?.release();
  const after = await counts(2 + 6);
  const frames = after.map((count, i) => (count - (before[i] as number)) / FRAME_BYTES);
  assert.deepEqual(frames, [4, 4, 2, 2]);

  /** Once so many commands have been counted, which the target tells the metadata service now and then. */
  async function counts(operations: number): Promise<number[]> {
    let found: Record<string, number> = {};
    await until(async () => {
      const { targets }: ClusterStatus = await local.cluster.status();
      found = (targets[0] as { counters: Record<string, number> }).counters;
      return (found.operations as number) >= operations;
    });
    assert.equal(found.operations, operations);
    return COUNTS.map((name) => found[name] as number);
  }
});
