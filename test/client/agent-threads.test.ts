import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { connect } from "../../src/index.ts";
import { startLocalCluster } from "../support/local-cluster.ts";

/** Threads of this process by the name that the kernel knows: Node names a worker's thread after the worker. */
function agentThreads(): number {
  const names = readdirSync("/proc/self/task").map((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, "latin1"),
  );
  return names.filter((name) => name.startsWith("didafs agent")).length;
}

it("a process has one agent thread, however many clusters it is connected to", async () => {
  await using local = await startLocalCluster();
  assert.equal(agentThreads(), 1);
  const others = await Promise.all([
    connect(local.cluster.url),
    connect(local.cluster.url, { transport: "tcp" }),
  ]);
  assert.equal(agentThreads(), 1);
  await using file = await local.cluster.open("/shared", { create: true, size: 4096 });
  await using window = await file.window({ rights: "rw" });
  await window.store(8, 5);
  for (const other of others) {
    await using again = await other.open("/shared");
    await using reader = await again.window();
    assert.equal(await reader.load(8), 5);
    await other.close();
    assert.equal(await window.load(8), 5, "the agents that stay go on");
  }
  await local.cluster.close();
  const deadlineMs = performance.now() + 5000;
  while (agentThreads() > 0 && performance.now() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(agentThreads(), 0, "the thread ends with its last agent");
});

it("an agent that starts while the thread rests hears of its first call at once", async () => {
  await using local = await startLocalCluster();
  for (let turn = 0; turn < 20; turn += 1) {
    // Longer than a pause between two calls: the thread takes what comes then for something that comes alone.
    await new Promise((resolve) => setTimeout(resolve, 40));
    const again = await connect(local.cluster.url, { timeoutMs: 2000 });
    await again.close();
  }
});
