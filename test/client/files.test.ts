import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startLocalCluster } from "../support/local-cluster.ts";

describe("a file that is open", () => {
  it("is told about as it is, whatever became of its name", async () => {
    await using local = await startLocalCluster();
    const { cluster } = local;
    await using file = await cluster.open("/f", { create: true, size: 4096 });
    const { inode } = await file.stat();
    await cluster.rename("/f", "/g");
    assert.deepEqual(await file.stat(), await cluster.stat("/g"));
    await cluster.remove("/g");
    assert.equal((await file.stat()).nlink, 0);
    await (await cluster.open("/f", { create: true, size: 17 })).close();
    const stat = await file.stat();
    assert.deepEqual([stat.inode, stat.size], [inode, 4096]);
    await file.resize(8192);
    assert.equal((await file.stat()).size, 8192);
    await file.close();
    await assert.rejects(file.stat(), { code: "ERR_CLOSED" });
  });

  it("learns that others made it longer, when it is asked for more than it knows of", async () => {
    await using local = await startLocalCluster({ targets: 2 });
    const layout = { create: true, size: 10, targets: 2, stripeUnit: 4096 };
    await using own = await local.cluster.open("/f", layout);
    const other = await local.attach("auto");
    const path = { code: "ERR_RANGE", path: "/f" };
    await using file = await other.open("/f");
    await own.resize(10_000);
    assert.equal(file.size, 10);
    await assert.rejects(file.window({ at: 0, length: 10_001 }), path);
    assert.equal(file.size, 10_000, "it has been looked up");
    await own.resize(20_000);
    await using window = await file.window({ at: 15_000, length: 5000 });
    assert.equal(window.length, 5000);
    await own.resize(30_000);
    await using rest = await file.window({ at: 25_000 });
    assert.equal(rest.length, 5000, "up to the end");
    await own.resize(100);
    assert.equal((await file.stat()).size, 100);
    assert.equal(file.size, 100);
    for (const range of [{ at: 0, length: 101 }, { at: 101 }, { at: -1 }, { at: 0.5 }, { length: -1 }]) {
      await assert.rejects(file.window(range), path);
    }
  });
});
