/** A cluster that nobody asks for anything: stepped only when something of it is due. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimCluster } from "./sim-cluster.ts";

const IDLE_MS = 60_000;
const TARGETS = 2;
const HEARTBEAT_MS = 2000;
/** Of a session and of the metadata service's channel, in one wake-up: three times in ten seconds. */
const RENEWALS_PER_SECOND = 0.3;

test("steps that come when they are due keep leases and registrations, and are few", async () => {
  const cluster = await SimCluster.start(TARGETS, 11);
  const clients = [await cluster.connect("direct"), await cluster.connect("tcp")];
  const windows = [];
  for (const [i, client] of clients.entries()) {
    const file = await cluster.settle(client.open(`/idle-${i}`, { create: true, size: 4096 }));
    windows.push(await cluster.settle(file.window({ rights: "rw" })));
  }
  const wakes = await cluster.idle(IDLE_MS);
  const seconds = IDLE_MS / 1000;
  const expected = seconds * (TARGETS * (1000 / HEARTBEAT_MS) + clients.length * RENEWALS_PER_SECOND);
  assert.ok(wakes < expected * 2, `${wakes} wake-ups, where ${expected} were expected`);
  assert.ok(wakes > seconds / 2, `${wakes} wake-ups: heartbeats and renewals go on`);
  // Six leases have passed: nothing was lost.
  for (const { control } of cluster.targets) assert.ok(control.registered);
  for (const window of windows) {
    await cluster.settle(window.store(0, 5));
    assert.equal(await cluster.settle(window.load(0)), 5);
  }
  for (const client of clients) await cluster.settle(client.close());
  await cluster.close();
});
