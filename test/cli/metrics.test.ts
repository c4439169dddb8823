/** /metrics, /healthz and status of a real cluster. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import type { TopReport } from "../../src/cli/top/view.ts";
import { connect } from "../../src/index.ts";
import { readRunRecord } from "../../src/runtime/run-file.ts";
import { until } from "../runtime/scratch.ts";
import { Home } from "./didafs.ts";

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

interface Status {
  readonly pid: number;
  readonly metricsUrl: string;
  readonly healthy: boolean;
  readonly targets: readonly { readonly name: string; readonly pid: number; readonly state: string }[];
  readonly services: readonly { readonly name: string; readonly restarts: number; readonly uptime: number }[];
}

test("a cluster's metrics, its health, and what status makes of them", async () => {
  await using home = new Home();
  await home.up("--targets", "2");
  await home.ok("mkdir", ":/a");
  const status: Status = JSON.parse(await home.ok("status", "--json"));
  const { metricsUrl } = status;
  assert.equal(readRunRecord(home.data)?.metricsUrl, metricsUrl);
  const { status: code, text } = await get(`${metricsUrl}/metrics`);
  assert.equal(code, 200);
  for (const name of ["meta", "target-0", "target-1"]) {
    assert.match(text, new RegExp(`didafs_up\\{service="${name}"\\} 1\\n`));
    assert.match(text, new RegExp(`didafs_process_cpu_seconds_total\\{service="${name}"\\} \\d`));
  }
  assert.match(text, /didafs_meta_calls_total\{service="meta",method="meta.mkdir",outcome="ok"\} 1\n/);
  assert.match(text, /didafs_target_registered\{service="target-1"\} 1\n/);
  assert.match(text, /didafs_meta_commit_seconds_count\{service="meta"\} [1-9]/);
  // Every series belongs to a family that was announced before it.
  const families = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, family]) => family));
  for (const [, series = ""] of text.matchAll(/^(didafs_\w+)/gm)) {
    assert.ok(families.has(series) || families.has(series.replace(/_(bucket|sum|count)$/, "")), series);
  }
  assert.equal((await get(`${metricsUrl}/healthz`)).status, 200);
  assert.match(await home.ok("status"), new RegExp(`metrics: ${metricsUrl}/metrics`));

  const target = status.targets[0]?.pid as number;
  process.kill(target, "SIGSTOP");
  const hung = await get(`${metricsUrl}/healthz`);
  assert.equal(hung.status, 503);
  assert.match(hung.text, /"target-0".*did not answer/);
  assert.match((await get(`${metricsUrl}/metrics`)).text, /didafs_up\{service="target-0"\} 0\n/);

  // The metadata service comes back while the target cannot register: it is not forgotten.
  process.kill(status.pid, "SIGKILL");
  let after: Status | undefined;
  await until(() => readRunRecord(home.data) !== undefined);
  for (let tries = 0; after === undefined && tries < 100; tries += 1) {
    const { code: ended, stdout } = await home.run(["status", "--json"]);
    if (ended === 0) after = JSON.parse(stdout) as Status;
  }
  assert.deepEqual(
    after?.targets.map(({ name }) => name),
    ["target-0", "target-1"],
  );
  assert.equal(after?.targets[0]?.state, "down");
  assert.equal(after?.services.find(({ name }) => name === "meta")?.restarts, 1);
  process.kill(target, "SIGCONT");
});

test("epochs are told by status, by top and by the metrics", async () => {
  await using home = new Home();
  await home.up();
  const keyFile = path.join(home.dir, ".config/didafs/key");
  await using cluster = await connect(home.env.DIDAFS_URL as string, { keyFile });
  await using file = await cluster.open("/epochs", { create: true, size: 4096 });
  await using window = await file.window({ rights: "rw" });
  const add = (): Promise<unknown> => window.epoch((e) => e.fetchAdd(0, 1));
  for (let epoch = 0; epoch < 3; epoch += 1) await add();
  const conflict = window.epoch(async (e) => {
    await e.fetchAdd(0, 1);
    await window.fetchAdd(0, 1);
  });
  await assert.rejects(conflict, { code: "ERR_EPOCH_CONFLICT" });

  const [top] = (JSON.parse(await home.ok("top", "--once", "--json", "--interval-ms", "100")) as TopReport)
    .targets;
  assert.equal(top?.totals.epochsCommitted, 3);
  assert.equal(top.totals.epochConflicts, 1);
  assert.equal(top.epochs.underWay, 0);
  assert.ok(top.epochs.logBytes > 0);
  assert.equal(top.perSecond?.epochsCommitted, 0);
  assert.match(await home.ok("top", "--once", "--interval-ms", "100"), /EPOCH\/S.*epochConflicts 1/s);

  // Targets report with their next heartbeat.
  interface Counted {
    readonly metricsUrl: string;
    readonly targets: readonly { readonly counters: Readonly<Record<string, number>> }[];
  }
  let status: Counted;
  do status = JSON.parse(await home.ok("status", "--json"));
  while ((status.targets[0]?.counters.epochsCommitted ?? 0) < 3);
  assert.equal(status.targets[0]?.counters.epochConflicts, 1);
  assert.match(
    await home.ok("status"),
    /^epochs at workers: committed 3, conflicts 1, aborted 0; under way 0$/m,
  );

  const { text } = await get(`${status.metricsUrl}/metrics`);
  for (const [outcome, count] of Object.entries({ committed: 3, conflict: 1, aborted: 0 })) {
    assert.match(
      text,
      new RegExp(`didafs_target_epochs_total\\{service="target-0",outcome="${outcome}"\\} ${count}\n`),
    );
  }
  assert.match(text, /didafs_target_epochs\{service="target-0"\} 0\n/);
  assert.match(text, /didafs_target_epoch_log_bytes\{service="target-0"\} [1-9]/);
});

test("metrics can be turned off", async () => {
  await using home = new Home();
  await home.up("--metrics-port", "off");
  assert.equal(readRunRecord(home.data)?.metricsUrl, undefined);
  assert.match(await home.ok("status"), /metrics: off/);
});
