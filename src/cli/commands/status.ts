import * as v from "valibot";
import type { ClusterStatus } from "../../client/api.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { formatBytes, formatSeconds, formatTable } from "../format.ts";

/** How long the supervisor may take; it waits a second for a service that hangs. */
const HEALTH_MS = 3000;

/** What the supervisor says at /healthz (runtime/cluster-health.ts). */
const Health = v.object({
  healthy: v.boolean(),
  services: v.array(
    v.object({
      name: v.string(),
      pid: v.nullable(v.number()),
      restarts: v.number(),
      uptime: v.nullable(v.number()),
      problem: v.nullable(v.string()),
    }),
  ),
});

type Health = v.InferOutput<typeof Health>;

export async function run(context: Context): Promise<void> {
  await withCluster(context, async (cluster, call) => {
    const status = await cluster.status(call);
    const health = await healthOf(status.metricsUrl, context.signal);
    if (context.global.json) printJson({ ...status, ...health });
    else print(describe(cluster.url, status, health));
  });
}

/** Undefined where the supervisor serves none, or does not on an address that this machine reaches. */
async function healthOf(metricsUrl: string | undefined, signal: AbortSignal): Promise<Health | undefined> {
  if (metricsUrl === undefined) return undefined;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]);
    const response = await fetch(`${metricsUrl}/healthz`, { signal: limit });
    return v.parse(Health, await response.json());
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function describe(url: string, status: ClusterStatus, health: Health | undefined): string {
  const { id, version, targets, metricsUrl } = status;
  const head = [
    "NAME",
    "TARGET",
    "STATE",
    "DRIVE",
    "CAPACITY",
    "FREE",
    "REGIONS",
    "SESSIONS",
    "PID",
    "ADDRESS",
    "UPTIME",
    "RESTARTS",
  ];
  const rows = targets.map((target) => [
    target.name,
    target.id.slice(0, 8),
    target.state,
    target.drive,
    formatBytes(target.totalBytes),
    formatBytes(target.freeBytes),
    String(target.regions),
    String(target.sessions),
    target.pid === 0 ? "-" : String(target.pid),
    target.address === "" ? "-" : target.address,
    ...lifeOf(target.name, health),
  ]);
  const up = targets.filter(({ state }) => state === "up").length;
  const [metaUptime, metaRestarts] = lifeOf("meta", health);
  const problems = health?.services.filter(({ problem }) => problem !== null) ?? [];
  return [
    `cluster ${id} at ${url} (didafs ${version}): ${up} of ${targets.length} targets up`,
    `metadata service: up ${metaUptime}, restarts ${metaRestarts}; metrics: ${metricsUrl === undefined ? "off" : `${metricsUrl}/metrics`}`,
    epochsOf(status),
    ...problems.map(({ name, problem }) => `problem: ${name}: ${problem}`),
    formatTable([head, ...rows], new Set([4, 5, 6, 7, 8, 10, 11])),
  ].join("\n");
}

/** What the targets have reported of their epochs; each counts once at each worker that takes part. */
function epochsOf({ targets }: ClusterStatus): string {
  const sum = (name: string): number => targets.reduce((all, { counters }) => all + (counters[name] ?? 0), 0);
  const outcomes = `committed ${sum("epochsCommitted")}, conflicts ${sum("epochConflicts")}, aborted ${sum("epochsAborted")}`;
  return `epochs at workers: ${outcomes}; under way ${sum("epochsUnderWay")}`;
}

/** @returns uptime and restarts of a service, as far as the supervisor told */
function lifeOf(name: string, health: Health | undefined): [string, string] {
  const service = health?.services.find((known) => known.name === name);
  if (service === undefined) return ["-", "-"];
  return [service.uptime === null ? "-" : formatSeconds(service.uptime), String(service.restarts)];
}
