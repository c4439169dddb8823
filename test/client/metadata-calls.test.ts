import assert from "node:assert/strict";
import { it } from "node:test";
import { startLocalCluster } from "../support/local-cluster.ts";

it("makes no metadata call in 100,000 accesses on an open striped file", async () => {
  await using local = await startLocalCluster({ targets: 3 });
  for (const transport of ["direct", "tcp"] as const) {
    const client = await local.attach(transport);
    await using file = await client.open(`/striped-${transport}`, {
      create: true,
      size: 1 << 22,
      targets: 3,
      stripeUnit: 4096,
    });
    await using window = await file.window({ rights: "rw" });
    const requests = async (): Promise<number> => (await local.cluster.status()).counters.requests as number;
    const before = await requests();
    const buffer = new Uint8Array(10_000);
    for (let i = 0; i < 20_000; i += 1) {
      window.getSync((i * 4099) % (1 << 21), buffer.subarray(0, 1 + (i % 64)));
      window.fetchAddSync(((i * 8) % (1 << 21)) + 8, 1);
      if (i % 1000 === 0) await window.put((i * 13) % (1 << 21), buffer);
      if (i % 5000 === 0) await window.flush("stable");
    }
    // The second question is itself a request.
    assert.equal((await requests()) - before, 1);
  }
});
