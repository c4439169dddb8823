import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Cluster, isDidafsError, type Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { resizeContract } from "./resize-contract.ts";

let local: LocalCluster;
const clients = new Map<Transport, [Cluster, Cluster]>();
let files = 0;

before(async () => {
  local = await startLocalCluster({ targets: 3 });
  for (const transport of ["direct", "auto", "tcp"] as const) {
    clients.set(transport, [await local.attach(transport), await local.attach(transport)]);
  }
});
after(() => local[Symbol.asyncDispose]());

function subject(transport: Transport, sharing: "managed" | "raw", targets: number) {
  return {
    sharing,
    async open(size: number) {
      const [client, far] = clients.get(transport) as [Cluster, Cluster];
      const path = `/resize-${files++}`;
      const file = await client.open(path, { create: "exclusive", size, targets, stripeUnit: 4096 });
      return { file, other: await far.open(path) };
    },
  };
}

for (const targets of [1, 3]) {
  for (const sharing of ["managed", "raw"] as const) {
    for (const transport of ["direct", "tcp"] as const) {
      const on = targets === 1 ? "one target" : "three targets";
      resizeContract(`${transport}, ${sharing}, on ${on}`, () => subject(transport, sharing, targets));
    }
  }
}

describe("resizing", () => {
  const isRange = (error: unknown): boolean => isDidafsError(error, "ERR_RANGE");

  it("reaches windows on a part of the file, over the unix socket", async () => {
    const { file } = await subject("auto", "managed", 1).open(50_000);
    await using window = await file.window({ rights: "rw", at: 20_000, length: 20_000 });
    assert.equal(window.locality, "unix");
    window.putSync(0, new Uint8Array(20_000).fill(1));
    await file.resize(30_000);
    assert.equal(window.loadBigSync(9992), 0x01010101_01010101n);
    assert.throws(() => window.loadSync(10_000), isRange);
    await assert.rejects(window.put(9999, new Uint8Array(100)), isRange);
    await file.resize(10_000);
    assert.throws(() => window.loadSync(0), isRange);
    await window.flush("stable");
    await file.resize(45_000);
    assert.deepEqual(window.getSync(0, new Uint8Array(20_000)), new Uint8Array(20_000));
  });

  for (const sharing of ["managed", "raw"] as const) {
    it(`detaches the views of what was cut, in every window of this process (${sharing})`, async () => {
      const { file } = await subject("direct", sharing, 1).open(50_000);
      const [client] = clients.get("direct") as [Cluster, Cluster];
      const again = await client.open(file.path);
      await using window = await file.window({ rights: "rw", sharing });
      await using second = await again.window({ rights: "r", sharing });
      window.putSync(0, new Uint8Array(50_000).fill(1));
      const views = [window.view(0, 50_000), window.view(Int32Array, 8, 2), second.view(40_000, 8)];
      await file.resize(60_000);
      assert.equal(views[0]?.[49_999], 1, "growing leaves them");
      await file.resize(50_000);
      assert.equal(views[0]?.[49_999], 1, "they lose nothing");
      await file.resize(30_000);
      assert.deepEqual(
        views.map(({ length }) => length),
        [0, 0, 0],
      );
      assert.equal(again.size, 30_000);
      assert.deepEqual(window.getSync(0, new Uint8Array(30_000)), new Uint8Array(30_000).fill(1));
      assert.throws(() => window.view(29_999, 2), isRange);
      assert.equal(window.view(29_999, 1)[0], 1);
      assert.equal(second.view(29_992, 8)[0], 1);
      await file.resize(50_000);
      assert.equal(window.view(40_000, 8)[0], 0);
    });
  }

  it("answers with ERR_NO_SPACE where there is no room, and the size is as before", async () => {
    const { file } = await subject("direct", "raw", 3).open(50_000);
    await using window = await file.window({ rights: "rw", sharing: "raw" });
    await assert.rejects(file.resize(2 ** 50), (error) => isDidafsError(error, "ERR_NO_SPACE"));
    assert.equal(file.size, 50_000);
    window.putSync(0, new Uint8Array(50_000).fill(1));
  });
});
