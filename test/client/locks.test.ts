import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { type Cluster, connect, type DidafsWindow, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const LOCKER = new URL("./fixtures/locker.ts", import.meta.url);
const RANGE = { at: 0, length: 8, mode: "exclusive" } as const;
const LONG = { timeoutMs: 60_000 };

describe("locks between real processes", () => {
  let running: ProcessCluster;
  let client: Cluster;
  const windows = new Map<string, DidafsWindow>();

  before(async () => {
    running = await startProcessCluster();
    client = await connect(running.url, LONG);
    for (const sharing of ["raw", "managed"] as const) {
      const file = await client.open(`/${sharing}`, { create: true, size: 4096 });
      windows.set(sharing, await file.window({ rights: "rw", sharing }));
    }
  });
  after(async () => {
    await client.close();
    await running[Symbol.asyncDispose]();
  });

  async function locker(leaseMs: number, transport: "direct" | "tcp"): Promise<ChildProcess> {
    const child = fork(LOCKER, [String(leaseMs), transport], {
      env: { ...process.env, DIDAFS_URL: running.url },
    });
    assert.deepEqual(await once(child, "message"), ["locked", undefined]);
    for (const sharing of ["raw", "managed"] as const) assert.equal(await isFree(sharing), false);
    return child;
  }

  async function isFree(sharing: "raw" | "managed"): Promise<boolean> {
    const lock = await (windows.get(sharing) as DidafsWindow).tryLock(RANGE);
    await lock?.release();
    return lock !== undefined;
  }

  /** What the other process says about its locks. */
  async function losses(child: ChildProcess, count: number): Promise<string[]> {
    const said: string[] = [];
    while (said.length < count) said.push(String((await once(child, "message"))[0]));
    return said.sort();
  }

  it("what a process that is killed holds is free long before its lease ends", async () => {
    const child = await locker(60_000, "direct");
    child.kill("SIGKILL");
    for (const window of windows.values()) {
      await using _ = await window.lock(RANGE, { timeoutMs: 30_000 });
    }
  });

  it("what a stopped origin holds passes on after its lease, and it learns that when it goes on", async () => {
    const child = await locker(1000, "tcp");
    try {
      child.kill("SIGSTOP");
      for (const window of windows.values()) {
        await using _ = await window.lock(RANGE, LONG);
      }
      const lost = losses(child, 2);
      child.kill("SIGCONT");
      assert.deepEqual(await lost, ["managed ERR_SESSION_LOST", "raw ERR_SESSION_LOST"]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("but not where it can store to its mapping: that passes on once it has given the mapping back", async () => {
    const child = await locker(1000, "direct");
    try {
      child.kill("SIGSTOP");
      await until(() => isFree("managed"));
      // The lease has ended, then, and that was all there was to wait for.
      for (let i = 0; i < 20; i += 1) assert.equal(await isFree("raw"), false);
      const waiting = (windows.get("raw") as DidafsWindow).lock(RANGE, LONG);
      const lost = losses(child, 2);
      child.kill("SIGCONT");
      assert.deepEqual(await lost, ["managed ERR_SESSION_LOST", "raw ERR_SESSION_LOST"]);
      await (await waiting).release();
      assert.equal(child.exitCode, null, "it lives on");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("a lock is lost with its target, and nobody gets it while the former life's leases may last", async () => {
    const window = windows.get("managed") as DidafsWindow;
    const lock = await window.lock(RANGE);
    const aborted = once(lock.lost, "abort");
    process.kill(running.pidOf("target"), "SIGKILL");
    await aborted;
    assert.ok(isDidafsError(lock.lost.reason, "ERR_SESSION_LOST"), String(lock.lost.reason));
    await lock.release();
    await using file = await client.open("/managed", LONG);
    let next: DidafsWindow | undefined;
    await until(async () => {
      next = await file.window({ rights: "rw" }).catch(() => undefined);
      return next !== undefined;
    });
    assert.equal(
      await next?.tryLock(RANGE),
      undefined,
      "for sixty-six seconds, as one lease was a minute long",
    );
    await assert.rejects((next as DidafsWindow).lock(RANGE, { timeoutMs: 100 }), (error) =>
      isDidafsError(error, "ERR_TIMEOUT"),
    );
  });
});

describe("locks of a file that is taken back", () => {
  it("are lost, for that reason, and free for the next one", async () => {
    await using running = await startProcessCluster();
    for (const transport of ["direct", "tcp"] as const) {
      for (const sharing of ["raw", "managed"] as const) {
        const path = `/${transport}-${sharing}`;
        await using client = await connect(running.url, { ...LONG, transport });
        await using file = await client.open(path, { create: true, size: 4096 });
        const window = await file.window({ rights: "rw", sharing });
        const lock = await window.lock(RANGE);
        const aborted = once(lock.lost, "abort");
        await client.revoke(path);
        await aborted;
        assert.ok(isDidafsError(lock.lost.reason, "ERR_REVOKED"), String(lock.lost.reason));
        await lock.release();
        await using again = await client.open(path);
        await using next = await again.window({ rights: "rw", sharing });
        await using _ = await next.lock(RANGE, LONG);
      }
    }
  });
});
