import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import type { Cluster, Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";

const COUNT = { direct: 100_000, tcp: 10_000 };

describe("words shared by processes of both kinds", () => {
  let local: LocalCluster;
  let cluster: Cluster;
  before(async () => {
    local = await startLocalCluster();
    cluster = local.cluster;
  });
  after(() => local[Symbol.asyncDispose]());

  async function run(transport: Transport, sharing: string, job: string, count: number): Promise<string> {
    const script = new URL("./hammer-worker.ts", import.meta.url).pathname;
    const env = { ...process.env, ...local.env };
    const args = [script, transport, sharing, job, String(count)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    return stdout;
  }

  async function freshFile(): Promise<void> {
    await cluster.remove("/hammer").catch(() => {});
    await using _ = await cluster.open("/hammer", { create: "exclusive", size: 4096 });
  }

  for (const sharing of ["raw", "managed"] as const) {
    it(`adds up exactly (${sharing})`, async () => {
      await freshFile();
      const direct = sharing === "raw" ? COUNT.direct : COUNT.tcp;
      await Promise.all([
        run("direct", sharing, "add", direct),
        run("direct", sharing, "add", direct),
        run("tcp", sharing, "add", COUNT.tcp),
      ]);
      const total = 2 * direct + COUNT.tcp;
      await using file = await cluster.open("/hammer");
      await using window = await file.window();
      assert.equal(window.loadSync(0), total);
      assert.equal(window.loadSync(8), -3 * total);
      assert.equal(window.loadSync(16, "u32"), total);
      const halves = 2 * Math.ceil(direct / 16) + Math.ceil(COUNT.tcp / 16);
      assert.equal(window.loadSync(24, "f64"), halves / 2);
    });

    it(`never shows half of an 8-byte store (${sharing})`, async () => {
      await freshFile();
      const fast = sharing === "raw" ? 1_000_000 : 20_000;
      const [, , seenDirect, seenTcp] = await Promise.all([
        run("direct", sharing, "alternate", fast),
        run("tcp", sharing, "alternate", 10_000),
        run("direct", sharing, "watch", 500_000),
        run("tcp", sharing, "watch", 10_000),
      ]);
      assert.equal(Number(seenDirect), 0, "the direct reader saw no mix");
      assert.equal(Number(seenTcp), 0, "the TCP reader saw no mix");
    });
  }

  it("would notice: the same store as two 32-bit halves does tear", async () => {
    await freshFile();
    await using file = await cluster.open("/hammer");
    await using window = await file.window({ rights: "rw", sharing: "raw" });
    const halves = window.view(Uint32Array, 64, 2);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    // Another thread maps the same bytes by a window of its own and alternates both halves, one after the other.
    const writer = new Worker(new URL("./tear-thread.ts", import.meta.url), {
      workerData: { url: cluster.url, stop },
      execArgv: [],
    });
    await new Promise((resolve) => writer.once("message", resolve));
    let mixed = 0;
    const deadlineMs = performance.now() + 20_000;
    while (mixed === 0 && performance.now() < deadlineMs) {
      for (let i = 0; i < 100_000; i++) if (halves[0] !== halves[1]) mixed += 1;
    }
    Atomics.store(stop, 0, 1);
    await new Promise((resolve) => writer.once("exit", resolve));
    assert.ok(mixed > 0, "two halves tear within 20 s of trying");
  });
});
