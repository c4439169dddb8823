/** Clients that are stopped in the middle of a payload, which nobody else is to wait for. */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { on } from "node:events";
import { after, before, describe, it } from "node:test";
import { whilePaused } from "../../bench/idle/pause.ts";
import { type Cluster, connect, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const HALF_OPEN = new URL("./fixtures/half-open.ts", import.meta.url);
/** More than two sockets hold. */
const BYTES = 64 << 20;
const ACCESSES = 500;
const TALK_MS = 120_000;

describe("clients that are stopped half-way", () => {
  let running: ProcessCluster;
  let client: Cluster;
  before(async () => {
    running = await startProcessCluster();
    client = await connect(running.url, { transport: "tcp", timeoutMs: 30_000 });
  });
  after(async () => {
    await client.close();
    await running[Symbol.asyncDispose]();
  });

  const held = async (): Promise<number[]> =>
    Promise.all([running.metric("didafs_target_sessions"), running.metric("didafs_target_connections")]);

  /** Has everything stand still where the client has asked, and the target has not answered; then the target goes on. */
  async function stopHalfWay(child: ChildProcess, said: AsyncIterator<unknown[]>): Promise<void> {
    await whilePaused([running.pidOf("target")], async () => {
      child.send("go");
      assert.deepEqual((await said.next()).value, ["begun", undefined]);
      child.kill("SIGSTOP");
    });
  }

  /** True once nobody else has the file open managed. */
  async function isFree(): Promise<boolean> {
    await using file = await client.open("/held");
    try {
      await (await file.window({ sharing: "raw" })).close();
      return true;
    } catch (error) {
      assert.ok(isDidafsError(error, "ERR_SHARING_CONFLICT"), String(error));
      return false;
    }
  }

  for (const doing of ["put", "get"] as const) {
    it(`in a ${doing}: others are served, all of it is gone with the lease, and the client learns it`, async () => {
      await using file = await client.open("/held", { create: true, size: BYTES });
      await file.resize(0);
      await file.resize(BYTES);
      const window = await file.window({ rights: "rw" });
      const word = new Uint8Array(8);
      await window.get(0, word);
      const before = await held();
      const sentBefore = await running.metric("didafs_target_sent_bytes_total");
      const child = fork(HALF_OPEN, [doing, String(BYTES)], {
        env: { ...process.env, DIDAFS_URL: running.url },
      });
      try {
        const said = on(child, "message", { signal: AbortSignal.timeout(TALK_MS) })[Symbol.asyncIterator]();
        assert.deepEqual((await said.next()).value, ["bound", undefined]);
        await stopHalfWay(child, said);
        const halfWay = async (): Promise<boolean> => {
          if (doing === "put") return window.loadSync(0, "u32") === 0x07070707;
          return (await running.metric("didafs_target_sent_bytes_total")) > sentBefore + (BYTES >> 10);
        };
        await until(halfWay);
        for (let i = 0; i < ACCESSES; i += 1) {
          window.storeSync(BYTES - 8, i);
          assert.equal(window.loadSync(BYTES - 8), i);
        }
        await window.get(BYTES / 2, new Uint8Array(1 << 20));
        // What it had done by then is a part of it only.
        if (doing === "put") assert.equal(window.loadSync(BYTES - 16), 0);
        else {
          const sent = (await running.metric("didafs_target_sent_bytes_total")) - sentBefore;
          assert.ok(sent < BYTES, `${sent} bytes`);
        }
        await until(async () => (await held()).join() === before.join());
        await window.close();
        await until(() => isFree());
        child.kill("SIGCONT");
        assert.deepEqual((await said.next()).value, ["ERR_SESSION_LOST", undefined]);
        child.send("again");
        assert.deepEqual((await said.next()).value, ["begun", undefined]);
        assert.deepEqual((await said.next()).value, ["ERR_SESSION_LOST", undefined]);
        const reading = await file.window();
        assert.equal(reading.loadSync(BYTES - 8), ACCESSES - 1);
        if (doing === "put") assert.equal(reading.loadSync(BYTES - 16), 0);
      } finally {
        child.kill("SIGKILL");
      }
    });
  }
});
