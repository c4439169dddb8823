import type { ClusterStatus } from "../../client/api.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { formatBytes, formatTable } from "../format.ts";

export async function run(context: Context): Promise<void> {
  await withCluster(context, async (cluster, call) => {
    const status = await cluster.status(call);
    if (context.global.json) printJson(status);
    else print(describe(cluster.url, status));
  });
}

function describe(url: string, { id, version, targets }: ClusterStatus): string {
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
    String(target.pid),
    target.address,
  ]);
  const up = targets.filter(({ state }) => state === "up").length;
  return [
    `cluster ${id} at ${url} (didafs ${version}): ${up} of ${targets.length} targets up`,
    formatTable([head, ...rows], new Set([4, 5, 6, 7, 8])),
  ].join("\n");
}
