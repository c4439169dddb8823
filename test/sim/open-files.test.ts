import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cluster } from "../../src/client/api.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

test("a file that is open keeps its bytes without a name; what nobody has open any more goes", async () => {
  const cluster = await SimCluster.start(2, 7);
  const [one, two] = [await cluster.connect("tcp"), await cluster.connect("tcp")];
  const settle = <T>(promise: Promise<T>) => cluster.settle(promise);
  const inodes = async () => (await settle(two.statfs())).inodes;
  const file = await settle(one.open("/f", { create: true, size: 8192, targets: 2, stripeUnit: 4096 }));
  await settle(two.remove("/f"));
  const window = await settle(file.window({ rights: "rw" }));
  await settle(window.put(4000, Buffer.from("across the border of two regions".repeat(10))));
  assert.equal(Buffer.from(await settle(window.get(4000, new Uint8Array(6)))).toString(), "across");
  const again = await settle(one.open("/g", { create: true }));
  assert.equal(await inodes(), 3, "the root, the file without a name, and the new one");
  await settle(file.close());
  await settle(again.close());
  // Nobody waits for the answer to a close; it is told within 50 ms.
  for (let count = 3; count > 2; ) count = await inodes();
  await settle(two.remove("/g"));
  assert.equal(await inodes(), 1);
  await settle(one.close());
  await settle(two.close());
  await cluster.close();
});

test("a client that has a file open says so to a new metadata service, without being asked for anything", async () => {
  const cluster = await SimCluster.start(1, 5);
  const [one, two] = [await cluster.connect("tcp"), await cluster.connect("tcp")];
  const settle = <T>(promise: Promise<T>) => cluster.settle(promise);
  const inodes = async () => (await settle(two.statfs())).inodes;
  const [kept, closed] = [
    await settle(one.open("/kept", { create: true, size: 10 })),
    await settle(one.open("/closed", { create: true, size: 10 })),
  ];
  await settle(closed.close());
  await cluster.restartMeta();
  for (const path of ["/kept", "/closed"]) await settle(two.remove(path));
  assert.equal(await inodes(), 3, "either may still be open");
  await cluster.pass(21_000);
  assert.equal(await inodes(), 2, "the root, and what is still open");
  await settle((await settle(kept.window({ rights: "rw" }))).put(0, new Uint8Array(10)));
  await settle(kept.close());
  for (let count = 2; count > 1; ) count = await inodes();
  await settle(one.close());
  await settle(two.close());
  await cluster.close();
});

test("an open whose caller gave up, whenever that was, leaves nothing open", async () => {
  const cluster = await SimCluster.start(1, 3);
  const [one, two] = [await cluster.connect("tcp"), await cluster.connect("tcp")];
  const settle = <T>(promise: Promise<T>) => cluster.settle(promise);
  const inodes = async () => (await settle(two.statfs())).inodes;
  const outcomes = new Set<string>();
  for (let rounds = 0; rounds < 120; rounds += 3) {
    const abort = new AbortController();
    const path = `/f${rounds}`;
    const opening = one.open(path, { create: true, signal: abort.signal }).then(
      async (file) => {
        await file.close();
        return "opened";
      },
      (error) => {
        assert.ok(isDidafsError(error, "ERR_ABORTED"), String(error));
        return "aborted";
      },
    );
    let left = rounds;
    await cluster.until(() => left-- === 0);
    abort.abort();
    outcomes.add(await settle(opening));
    // It may have been made, or be made now.
    for (let tries = 0; tries < 3; tries += 1) {
      await settle(two.remove(path)).catch((error) => assert.ok(isDidafsError(error, "ENOENT")));
    }
  }
  assert.deepEqual(outcomes, new Set(["aborted", "opened"]));
  for (let count = 2; count > 1; ) {
    for (const name of await settle(namesOf(two))) await settle(two.remove(`/${name}`));
    count = await inodes();
  }
  await settle(one.close());
  await settle(two.close());
  await cluster.close();
});

async function namesOf(cluster: Cluster): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of cluster.readdir("/")) names.push(name);
  return names;
}

test("an origin that does nothing keeps what it has open, for longer than its leases", async () => {
  const cluster = await SimCluster.start(1, 9);
  const [idle, other] = [await cluster.connect("tcp"), await cluster.connect("tcp")];
  const settle = <T>(promise: Promise<T>) => cluster.settle(promise);
  const file = await settle(idle.open("/f", { create: true, size: 4096 }));
  const window = await settle(file.window({ rights: "rw" }));
  window.storeSync(0, 7);
  await settle(other.remove("/f"));
  await cluster.pass(25_000);
  assert.equal(window.loadSync(0), 7, "the target has not ended its session");
  assert.equal((await settle(other.statfs())).inodes, 2, "the metadata service has not closed its file");
  assert.equal((await settle(file.window())).loadSync(0), 7);
  await settle(idle.close());
  await settle(other.close());
  await cluster.close();
});
