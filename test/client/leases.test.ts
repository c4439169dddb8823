import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { type Cluster, connect, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const HOLDER = new URL("./fixtures/holder.ts", import.meta.url);

describe("leases between real processes", () => {
  let running: ProcessCluster;
  let client: Cluster;
  before(async () => {
    running = await startProcessCluster();
    client = await connect(running.url, { timeoutMs: 30_000 });
  });
  after(async () => {
    await client.close();
    await running[Symbol.asyncDispose]();
  });

  async function holder(sharing: "managed" | "raw" = "raw"): Promise<ChildProcess> {
    const child = fork(HOLDER, [sharing], { env: { ...process.env, DIDAFS_URL: running.url } });
    assert.deepEqual(await once(child, "message"), ["bound", undefined]);
    return child;
  }

  /** True once a window of the other kind is given. */
  async function isFree(held: "managed" | "raw" = "raw"): Promise<boolean> {
    await using file = await client.open("/held");
    try {
      await (await file.window({ sharing: held === "raw" ? "managed" : "raw" })).close();
      return true;
    } catch (error) {
      assert.ok(isDidafsError(error, "ERR_SHARING_CONFLICT"), String(error));
      return false;
    }
  }

  /** What the holder says once it does not find its window as it was any more. */
  async function learns(child: ChildProcess): Promise<unknown> {
    let said: unknown;
    await until(async () => {
      child.send("load");
      [said] = await once(child, "message");
      return said !== "1";
    });
    return said;
  }

  // Not that a raw window cannot be stored to meanwhile: no target can keep a process from its own mapping.
  it("what an origin that is stopped has bound is free after its lease, and it learns that when it goes on", async () => {
    await (await client.open("/held", { create: true, size: 4096 })).close();
    const child = await holder();
    try {
      assert.equal(await isFree(), false);
      child.kill("SIGSTOP");
      await until(() => isFree());
      child.kill("SIGCONT");
      // Its library may have to read first that the session has ended; what it says from then on stays.
      assert.equal(await learns(child), "ERR_SESSION_LOST");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("nothing that an origin writes through a managed window lands once its lease has ended", async () => {
    const child = await holder("managed");
    try {
      assert.equal(await isFree("managed"), false);
      child.kill("SIGSTOP");
      await until(() => isFree("managed"));
      await using file = await client.open("/held");
      await using window = await file.window({ rights: "rw" });
      window.storeSync(8, 5);
      child.kill("SIGCONT");
      child.send("store");
      const [said] = await once(child, "message");
      assert.equal(said, "ERR_SESSION_LOST");
      assert.equal(window.loadSync(8), 5);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("revoke outlasts an origin that is stopped, which learns it when it goes on", async () => {
    const child = await holder();
    try {
      child.kill("SIGSTOP");
      await client.revoke("/held");
      await using file = await client.open("/held");
      await (await file.window()).close();
      child.kill("SIGCONT");
      const said = await learns(child);
      assert.ok(said === "ERR_SESSION_LOST" || said === "ERR_REVOKED", String(said));
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("an origin whose thread computes for longer than its lease keeps its windows: its agent renews", async () => {
    await using busy = await connect(running.url, { leaseMs: 1500, timeoutMs: 30_000 });
    await using file = await busy.open("/busy", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    window.storeSync(0, 3);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4500);
    assert.equal(window.loadSync(0), 3);
    window.storeSync(0, 4);
  });

  it("an origin that is killed holds nothing any more", async () => {
    const child = await holder();
    assert.equal(await isFree(), false);
    child.kill("SIGKILL");
    await until(() => isFree());
  });

  it("calls that only ask, and open windows, outlive the metadata service", async () => {
    await using file = await client.open("/outlives", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    window.storeSync(0, 1);
    process.kill(running.pidOf("meta"), "SIGKILL");
    window.storeSync(8, 2);
    assert.equal((await client.stat("/outlives")).size, 4096);
    // Targets come back when they try the next time.
    await until(async () => (await client.status()).targets.every(({ state }) => state === "up"));
    await using again = await client.open("/outlives");
    await using second = await again.window();
    assert.equal(second.loadSync(8), 2);
    assert.equal((await file.window()).loadSync(0), 1);
  });

  it("a target that is stopped for longer than its lease ends its sessions, and takes new ones", async () => {
    await using file = await client.open("/paused", { create: true, size: 4096 });
    const window = await file.window({ rights: "rw" });
    window.storeSync(0, 7);
    const pid = running.pidOf("target");
    process.kill(pid, "SIGSTOP");
    try {
      await new Promise((resolve) => setTimeout(resolve, 11_000));
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until(async () => {
      try {
        window.loadSync(0);
        return false;
      } catch (error) {
        assert.ok(isDidafsError(error, "ERR_SESSION_LOST"), String(error));
        return true;
      }
    });
    await until(async () => (await client.status()).targets.every(({ state }) => state === "up"));
    await using again = await file.window();
    assert.equal(again.loadSync(0), 7);
    assert.equal(running.pidOf("target"), pid, "the same process goes on");
  });
});
