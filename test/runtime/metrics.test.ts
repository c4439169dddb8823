import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { test } from "node:test";
import { HealthWatch, type WatchedService } from "../../src/runtime/cluster-health.ts";
import {
  histogramSamples,
  METRICS,
  metricsTable,
  metricsText,
  type Sample,
  sample,
} from "../../src/runtime/metrics.ts";
import { serveMetrics } from "../../src/runtime/metrics-server.ts";
import { Histogram } from "../../src/std/histogram.ts";

test("the documentation lists every metric as it is", () => {
  const page = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  assert.ok(page.includes(metricsTable()), "the table of docs/operating.md");
});

test("the text: help and type of a family once, its series behind them, labels quoted", () => {
  const seconds = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value);
  const text = metricsText([
    sample("didafs_up", 1, { service: 'a"b\\c\nd' }),
    ...histogramSamples("didafs_meta_commit_seconds", seconds, { service: "meta" }),
    sample("didafs_up", 0, { service: "target-0" }),
    ["unheard_of", {}, 1],
  ]);
  assert.equal(
    text,
    `# HELP didafs_up ${METRICS.didafs_up[1]}
# TYPE didafs_up gauge
didafs_up{service="a\\"b\\\\c\\nd"} 1
didafs_up{service="target-0"} 0
# HELP didafs_meta_commit_seconds ${METRICS.didafs_meta_commit_seconds[1]}
# TYPE didafs_meta_commit_seconds histogram
didafs_meta_commit_seconds_bucket{service="meta",le="0.1"} 2
didafs_meta_commit_seconds_bucket{service="meta",le="1"} 3
didafs_meta_commit_seconds_bucket{service="meta",le="+Inf"} 4
didafs_meta_commit_seconds_sum{service="meta"} 7.65
didafs_meta_commit_seconds_count{service="meta"} 4
`,
  );
});

function watched(name: string, metrics: () => Promise<Sample[]>): WatchedService {
  return { name, pid: 7, restartCount: 2, metrics };
}

async function ask(
  url: string,
  method = "GET",
): Promise<{ status: number | undefined; body: string; allow: string | undefined }> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method, timeout: 10_000, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode, body, allow: response.headers.allow }));
    });
    asked.on("error", reject).end();
  });
}

test("one service that does not answer costs nobody else's metrics, and health names it", async () => {
  const registered = { value: 1 };
  const services = [
    watched("meta", async () => [sample("didafs_meta_channels", 3)]),
    watched("target-0", async () => [sample("didafs_target_registered", registered.value)]),
  ];
  const server = await serveMetrics("127.0.0.1", 0, new HealthWatch(() => services, 2));
  try {
    const well = await ask(`${server.url}/healthz`);
    assert.deepEqual([well.status, JSON.parse(well.body).healthy], [200, true]);
    registered.value = 0;
    const lonely = await ask(`${server.url}/healthz`);
    assert.equal(lonely.status, 503);
    assert.match(lonely.body, /"target-0".*not known to the metadata service/);
    services[1] = watched("target-0", () => Promise.reject(new Error("hangs")));
    const ill = await ask(`${server.url}/healthz`);
    assert.equal(ill.status, 503);
    assert.match(ill.body, /"target-0","pid":7,"restarts":2,"uptime":null,"problem":"hangs"/);
    const { status, body } = await ask(`${server.url}/metrics`);
    assert.equal(status, 200);
    assert.match(body, /didafs_up\{service="meta"\} 1\n/);
    assert.match(body, /didafs_up\{service="target-0"\} 0\n/);
    assert.match(body, /didafs_meta_channels\{service="meta"\} 3\n/);
    services.pop();
    assert.equal(
      (await ask(`${server.url}/healthz`)).status,
      503,
      "a service that has not started is missing",
    );
  } finally {
    server.close();
  }
});

test("other methods and paths are answered, the port is told when it is taken, and closing frees it", async () => {
  const watch = new HealthWatch(() => [], 0);
  const server = await serveMetrics("127.0.0.1", 0, watch);
  assert.deepEqual(await ask(`${server.url}/metrics`, "POST"), {
    status: 405,
    body: "GET and HEAD only\n",
    allow: "GET, HEAD",
  });
  assert.equal((await ask(`${server.url}/secret`)).status, 404);
  const head = await ask(`${server.url}/healthz?verbose=1`, "HEAD");
  assert.deepEqual([head.status, head.body], [200, ""]);
  const port = Number(new URL(server.url).port);
  await assert.rejects(serveMetrics("127.0.0.1", port, watch), { code: "ERR_PORT_IN_USE" });
  server.close();
  (await serveMetrics("127.0.0.1", port, watch)).close();
});
