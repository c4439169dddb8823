import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Cluster, connect, isDidafsError } from "../../src/index.ts";
import { type RunningCluster, startCluster } from "../../src/runtime/cluster.ts";
import { findOrMakeKey } from "../../src/runtime/key.ts";

const HOLDER = new URL("./fixtures/holder.ts", import.meta.url);

describe("leases between real processes", () => {
  let dir: string;
  let running: RunningCluster;
  let client: Cluster;
  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "didafs-test-"));
    process.env.XDG_CONFIG_HOME = dir;
    running = await startCluster({
      dir: path.join(dir, "data"),
      key: findOrMakeKey(),
      port: 0,
      spawn: "process",
    });
    client = await connect(running.url, { timeoutMs: 30_000 });
  });
  after(async () => {
    await client.close();
    await running.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const pidOf = (name: string): number => {
    const service = running.services().find((each) => each.name.startsWith(name));
    return service?.pid as number;
  };

  async function until(condition: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + 60_000;
    while (!(await condition())) {
      assert.ok(performance.now() < deadlineMs, "within a minute");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function holder(): Promise<ChildProcess> {
    const child = fork(HOLDER, { env: { ...process.env, DIDAFS_URL: running.url } });
    assert.deepEqual(await once(child, "message"), ["bound", undefined]);
    return child;
  }

  /** True once a managed window is given. */
  async function isFree(): Promise<boolean> {
    await using file = await client.open("/held");
    try {
      await (await file.window()).close();
      return true;
    } catch (error) {
      assert.ok(isDidafsError(error, "ERR_SHARING_CONFLICT"), String(error));
      return false;
    }
  }

  it("an origin that is stopped is fenced after its lease, and learns it when it goes on", async () => {
    await (await client.open("/held", { create: true, size: 4096 })).close();
    const child = await holder();
    try {
      assert.equal(await isFree(), false);
      child.kill("SIGSTOP");
      await until(isFree);
      child.kill("SIGCONT");
      // Its library may have to read first that the session has ended; what it says from then on stays.
      let said: unknown;
      await until(async () => {
        child.send("access");
        [said] = await once(child, "message");
        return said !== "1";
      });
      assert.equal(said, "ERR_SESSION_LOST");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("an origin that is killed holds nothing any more", async () => {
    const child = await holder();
    assert.equal(await isFree(), false);
    child.kill("SIGKILL");
    await until(isFree);
  });

  it("calls that only ask, and open windows, outlive the metadata service", async () => {
    await using file = await client.open("/outlives", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    window.storeSync(0, 1);
    process.kill(pidOf("meta"), "SIGKILL");
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
    const pid = pidOf("target");
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
    assert.equal(pidOf("target"), pid, "the same process goes on");
  });
});
