import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

const isLost = (error: unknown): boolean => isDidafsError(error, "ERR_SESSION_LOST");

describe("a data connection that breaks while its target lives", () => {
  for (const transport of ["tcp", "direct"] as const) {
    it(`ends the session, and a new window works, ${transport}`, async () => {
      const cluster = await SimCluster.start(1, 21);
      const streams = cluster.recordDataStreams();
      const client = await cluster.settle(cluster.connect(transport));
      const file = await cluster.settle(client.open("/x", { create: true, size: 4096 }));
      const window = await cluster.settle(file.window({ rights: "rw" }));
      window.storeSync(0, 1);
      streams[0]?.close();
      assert.throws(() => window.storeSync(0, 2), isLost);
      assert.throws(() => window.loadSync(0), isLost, "also where the bytes are mapped");
      await cluster.settle(window.close());
      const fresh = await cluster.settle(file.window({ rights: "rw" }));
      fresh.storeSync(0, 3);
      assert.equal(fresh.loadSync(0), 3);
      await cluster.settle(client.close());
      await cluster.close();
    });
  }
});
