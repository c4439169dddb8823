import assert from "node:assert/strict";
import { test } from "node:test";
import { type Applied, isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

test("a call that the end of its cluster ends says whether it may have been done, whenever that is", async () => {
  const cluster = await SimCluster.start(1, 41);
  const settle = <T>(promise: Promise<T>) => cluster.settle(promise);
  const witness = await settle(cluster.connect("tcp"));
  const seen = new Set<Applied>();
  for (let rounds = 0; rounds < 12; rounds += 1) {
    const client = await settle(cluster.connect("tcp"));
    await settle(client.stat("/"));
    const path = `/${rounds}`;
    const making = client.mkdir(path).then(
      () => "yes" as const,
      (error) => {
        assert.ok(isDidafsError(error, "ERR_CLOSED"), String(error));
        return error.applied;
      },
    );
    let left = rounds;
    await cluster.until(() => left-- === 0);
    const closing = client.close();
    const applied = await settle(making);
    await settle(closing);
    const isThere = await settle(
      witness.stat(path).then(
        () => true,
        () => false,
      ),
    );
    if (applied !== "unknown") assert.equal(isThere, applied === "yes", `after ${rounds} rounds`);
    seen.add(applied);
    await assert.rejects(settle(client.mkdir("/late")), { code: "ERR_CLOSED", applied: "no" });
  }
  assert.ok(seen.has("unknown"));
  await settle(witness.close());
  await cluster.close();
});
