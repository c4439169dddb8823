import assert from "node:assert/strict";
import { it } from "node:test";
import { DEFAULT_TIMEOUT_MS } from "../../src/client/call-limits.ts";
import { SimCluster } from "./sim-cluster.ts";

it("revoke ends every window, mapped or not, of every client; who opens anew gets in again", async () => {
  const sim = await SimCluster.start(2, 31);
  const owner = await sim.connect("tcp");
  const neighbour = await sim.connect("direct");
  const create = { create: true, size: 1 << 16, targets: 2, stripeUnit: 4096 };
  const own = await sim.settle(owner.open("/f", create));
  const other = await sim.settle(owner.open("/other", create));
  const bystander = await sim.settle(other.window({ rights: "rw" }));
  const remote = await sim.settle(own.window({ rights: "rw" }));
  const near = await sim.settle(neighbour.open("/f"));
  const mapped = await sim.settle(near.window({ rights: "r" }));
  assert.equal(mapped.locality, "direct");
  remote.storeSync(0, 7);
  assert.equal(mapped.loadSync(0), 7);

  await sim.settle(owner.revoke("/f"));

  const gone = { code: "ERR_REVOKED" };
  for (const at of [0, 4096]) {
    assert.throws(() => remote.loadSync(at), gone);
    assert.throws(() => remote.storeSync(at, 1), gone);
    assert.throws(() => mapped.loadSync(at), gone);
    await assert.rejects(sim.settle(remote.put(at, new Uint8Array(100_00))), gone);
  }
  bystander.storeSync(0, 1);
  // The capabilities that the open files have are of before.
  await assert.rejects(sim.settle(own.window()), gone);
  await assert.rejects(sim.settle(near.window()), gone);

  const again = await sim.settle(neighbour.open("/f"));
  const window = await sim.settle(again.window());
  assert.equal(window.loadSync(0), 7, "nothing was written behind the revoking");
  for (const client of [owner, neighbour]) await sim.settle(client.close());
  await sim.close();
});

it("a metadata service that was started anew lets nobody in again who had the file open before a revoke", async () => {
  const sim = await SimCluster.start(1, 32);
  const [holder, other] = [await sim.connect("tcp"), await sim.connect("tcp")];
  const file = await sim.settle(holder.open("/f", { create: true, size: 4096 }));
  const kept = await sim.settle(holder.open("/kept", { create: true, size: 4096 }));
  await sim.settle(other.revoke("/f"));
  await sim.restartMeta();
  // What it has runs out meanwhile, so it must ask for other capabilities.
  await sim.pass(61_000);
  await assert.rejects(sim.settle(file.window()), { code: "ERR_REVOKED" });
  await sim.settle(kept.window());
  const again = await sim.settle(holder.open("/f"));
  await sim.settle(again.window());
  for (const client of [holder, other]) await sim.settle(client.close());
  await sim.close();
});

it("revoke outlasts a holder that is stopped, with the limits that calls have by themselves", async () => {
  for (const transport of ["tcp", "direct"] as const) {
    const sim = await SimCluster.start(1, 33);
    const holder = await sim.connect(transport, DEFAULT_TIMEOUT_MS);
    const other = await sim.connect(transport, DEFAULT_TIMEOUT_MS);
    const file = await sim.settle(holder.open("/f", { create: true, size: 4096 }));
    const window = await sim.settle(file.window({ rights: "rw" }));
    sim.pause(holder, true);
    let revoked = false;
    const revoking = other.revoke("/f").then(() => {
      revoked = true;
    });
    revoking.catch(() => {});
    await sim.pass(10_500);
    assert.equal(revoked, false, "the holder's lease has not ended");
    await sim.pass(3000);
    await sim.settle(revoking);
    sim.pause(holder, false);
    await sim.pass(500);
    assert.throws(() => window.loadSync(0), { code: "ERR_SESSION_LOST" });
    for (const client of [holder, other]) await sim.settle(client.close());
    await sim.close();
  }
});

it("revoke of a file on a target that is stopped is not over before its clients' leases are, also of what they have mapped", async () => {
  for (const leaseMs of [10_000, 40_000]) {
    const sim = await SimCluster.start(1, 34);
    const holder = await sim.connect("direct", DEFAULT_TIMEOUT_MS, leaseMs);
    const other = await sim.connect("tcp", DEFAULT_TIMEOUT_MS);
    const file = await sim.settle(holder.open("/f", { create: true, size: 4096 }));
    const window = await sim.settle(file.window());
    assert.equal(window.locality, "direct");
    // Its lease was renewed later than the metadata service has heard of its target last.
    await sim.pass(3700 - sim.clock.nowMs());
    sim.pauseTarget(0, true);
    // It counts as down by then, and is not asked any more.
    await sim.pass(7000);
    let revoked = false;
    const revoking = other.revoke("/f").then(() => {
      revoked = true;
    });
    revoking.catch(() => {});
    while (!revoked) {
      await sim.pass(100);
      assert.ok(sim.clock.nowMs() < 90_000, "in time");
    }
    assert.throws(() => window.loadSync(0), { code: "ERR_SESSION_LOST" });
    sim.pauseTarget(0, false);
    for (const client of [holder, other]) await sim.settle(client.close());
    await sim.close();
  }
});
