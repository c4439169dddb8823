import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startCluster } from "../../src/runtime/cluster.ts";
import { findOrMakeKey } from "../../src/runtime/key.ts";
import type { MetricName } from "../../src/runtime/metrics.ts";

/** A cluster whose services are processes of their own, which a test may stop and kill. */
export interface ProcessCluster extends AsyncDisposable {
  readonly url: string;
  /** What the services count under that name now, with all labels. */
  metric(name: MetricName): Promise<number>;
  /** Of the first service whose name begins so. */
  pidOf(name: "meta" | "target"): number;
}

/** In a temporary directory and with a key of its own, which this process and its children find. */
export async function startProcessCluster(): Promise<ProcessCluster> {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-test-"));
  process.env.XDG_CONFIG_HOME = dir;
  const running = await startCluster({
    dir: path.join(dir, "data"),
    key: findOrMakeKey(),
    port: 0,
    spawn: "process",
    metrics: { host: "127.0.0.1", port: 0 },
  });
  return {
    url: running.url,
    async metric(name) {
      const text = await (await fetch(`${running.metricsUrl}/metrics`)).text();
      const samples = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"));
      return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
    },
    pidOf: (name) => running.services().find((service) => service.name.startsWith(name))?.pid as number,
    async [Symbol.asyncDispose]() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadlineMs, "within a minute");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
