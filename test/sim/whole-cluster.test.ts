import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 13 + seed) & 0xff);

describe("a whole cluster in one thread, on simulated ports", () => {
  for (const transport of ["direct", "tcp"] as const) {
    it(`serves windows, ${transport}`, async () => {
      const cluster = await SimCluster.start(3, 11);
      const client = await cluster.settle(cluster.connect(transport));
      const options = { create: true, size: 100_000, targets: 3, stripeUnit: 4096 };
      const file = await cluster.settle(client.open("/a/b", options));
      const window = await cluster.settle(file.window({ rights: "rw" }));
      assert.equal(window.locality, transport);
      window.putSync(5, bytes(20_000, 1));
      assert.deepEqual(window.getSync(5, new Uint8Array(20_000)), bytes(20_000, 1));
      await cluster.settle(window.put(30_000, bytes(20_000, 2)));
      const into = await cluster.settle(window.get(30_000, new Uint8Array(20_000)));
      assert.deepEqual(into, bytes(20_000, 2));
      assert.equal(window.fetchAddSync(80_000, 5), 0);
      assert.equal(await cluster.settle(window.fetchAdd(80_000, 5)), 5);
      await cluster.settle(window.flush("stable"));
      await cluster.settle(client.close());
      const isClosed = (error: unknown) => isDidafsError(error, "ERR_CLOSED") && error.applied === "no";
      assert.throws(() => window.loadSync(0), isClosed);
      await assert.rejects(window.put(0, bytes(100, 1)), isClosed);
      await assert.rejects(client.stat("/a"), isClosed);
      await cluster.close();
    });
  }

  it("ends windows when their target goes away", async () => {
    const cluster = await SimCluster.start(1, 12);
    const client = await cluster.settle(cluster.connect("direct"));
    const file = await cluster.settle(client.open("/x", { create: true, size: 4096 }));
    const window = await cluster.settle(file.window({ rights: "rw", sharing: "raw" }));
    window.storeSync(8, 1);
    void cluster.targets[0]?.control.close();
    const isLost = (error: unknown) => isDidafsError(error, "ERR_SESSION_LOST");
    await cluster.until(() => {
      try {
        return window.loadSync(8) !== 1;
      } catch (error) {
        return isLost(error);
      }
    });
    assert.throws(() => window.storeSync(8, 2), isLost);
    assert.throws(() => window.view(0, 8), isLost);
    await cluster.settle(client.close());
    await cluster.close();
  });
});
