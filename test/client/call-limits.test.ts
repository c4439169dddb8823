import assert from "node:assert/strict";
import { it } from "node:test";
import { startLocalCluster } from "../support/local-cluster.ts";

it("a call may be given any time, also all of it", async () => {
  await using local = await startLocalCluster();
  for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31 - 1, 2 ** 40]) {
    await local.cluster.status({ timeoutMs });
    await assert.rejects(local.cluster.stat("/missing", { timeoutMs }), { code: "ENOENT" });
  }
});
